import type { AppError } from '@gapless/shared/errors';
import type { Clock, DurationMs } from '@gapless/shared/time';
import { RateMeter } from './rate-meter.js';
import type { ItemStatus, UploadEvent, UploadStatus } from './status.js';
import type { ItemFailure, ItemRecord, UploadRecord } from './store/rows.js';

/** Progress within a state is told this often, a change of the state at once. */
const PACE_MS: DurationMs = 500;

/** What is known of one upload at this moment, and who wants to hear of it. */
export class Board {
  readonly #clock: Clock;
  readonly #items: ItemStatus[];
  readonly #meters: RateMeter[];
  readonly #toldMs: number[];
  readonly #listeners = new Set<(event: UploadEvent) => void>();
  #upload: Omit<UploadStatus, 'items'>;

  constructor(clock: Clock, upload: UploadRecord, items: readonly ItemRecord[]) {
    this.#clock = clock;
    this.#upload = headOf(upload);
    this.#items = items.map(statusOf);
    this.#meters = items.map(() => new RateMeter(clock));
    this.#toldMs = items.map(() => Number.NEGATIVE_INFINITY);
  }

  get status(): UploadStatus {
    return { ...this.#upload, items: [...this.#items] };
  }

  /** Calls `listener` with all that is known now, and then with every change; returns how to stop that. */
  watch(listener: (event: UploadEvent) => void): () => void {
    for (const seq of this.#items.keys()) listener(this.#itemEvent(seq));
    listener(this.#uploadEvent());
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tellItem(seq: number, change: Partial<ItemStatus>): void {
    const former = this.#items[seq]!;
    const isNewState = change.state !== undefined && change.state !== former.state;
    if (isNewState) this.#meters[seq]!.reset();
    const settled = isNewState ? { reason: undefined, retryInMs: undefined, rateBytesPerSec: undefined } : {};
    this.#items[seq] = { ...former, ...settled, ...known(change) };
    const nowMs = this.#clock.monotonicMs();
    if (!isNewState && nowMs - this.#toldMs[seq]! < PACE_MS) return;
    this.#toldMs[seq] = nowMs;
    if (this.#items[seq].state === 'sending' || this.#items[seq].state === 'proving') {
      const rateBytesPerSec = this.#meters[seq]!.note(this.#items[seq].doneBytes);
      this.#items[seq] = { ...this.#items[seq], rateBytesPerSec };
    }
    this.#emit(this.#itemEvent(seq));
  }

  tellUpload(change: Partial<Omit<UploadStatus, 'items' | 'id'>>): void {
    this.#upload = { ...this.#upload, ...change };
    this.#emit(this.#uploadEvent());
  }

  #emit(event: UploadEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #itemEvent(seq: number): UploadEvent {
    return { type: 'item', atMs: this.#clock.nowMs(), ...this.#items[seq]! };
  }

  #uploadEvent(): UploadEvent {
    return { type: 'upload', atMs: this.#clock.nowMs(), ...this.#upload };
  }
}

/** An error as people are told of it. */
export function failureOf({ code, message, hint }: AppError): ItemFailure {
  return { code, message, ...(hint === undefined ? {} : { hint }) };
}

function headOf({ id, state, madeMs, endedMs, plan }: UploadRecord): Omit<UploadStatus, 'items'> {
  return { id, state, madeMs, endedMs, url: plan.url };
}

function statusOf({ seq, name, state, facts, failure }: ItemRecord): ItemStatus {
  return {
    ...{ seq, name, doneBytes: state === 'verified' ? facts!.sizeBytes : 0 },
    // It is shown what will be done, not how far the books are.
    state: state === 'publishing' ? 'queued' : state,
    ...(facts ? known(facts) : {}),
    reason: failure,
  };
}

/** Of what is told, what people want to know. */
function known(change: Partial<ItemStatus> & { readonly fingerprint?: string }): Partial<ItemStatus> {
  const { fingerprint: _, ...rest } = change;
  return rest;
}

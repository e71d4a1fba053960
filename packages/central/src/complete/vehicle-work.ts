import type { AppError } from '@gapless/shared/errors';
import { isCancelled, toAppError } from '@gapless/shared/errors';
import { fullJitter, retry } from '@gapless/shared/lifecycle';
import type { DurationMs, Timer } from '@gapless/shared/time';
import { MINUTE_MS, SECOND_MS } from '@gapless/shared/time';
import type { StoredObject } from '../store/objects.js';
import { missingBytes } from '../store/pieces.js';
import type { Transfer } from '../store/transfers.js';
import { queueTransfer } from './plan-online.js';
import type { Reply } from './replies.js';
import { Replies } from './replies.js';
import { RequestWork } from './request-work.js';
import type { UploadPlace } from './transfer-attempt.js';
import { attemptTransfer } from './transfer-attempt.js';
import type { Peer, VehicleWorkPort } from './vehicle-work-port.js';

/** Transfers of one vehicle at once: enough to hide the round trips between them, few enough to keep their order. */
const MAX_AT_ONCE = 3;

/** One policy for every transfer; which failures may be tried again is the error's own matter. */
const RETRY = { attempts: 5, baseMs: SECOND_MS, capMs: 30 * SECOND_MS };

/** After the attempts of {@link RETRY} are spent, the transfer rests this long. */
const REST = { baseMs: 10 * MINUTE_MS, capMs: 20 * MINUTE_MS };

/** Works off the requests of one vehicle while it is connected. What it is about to do is in the store, not in it. */
export class VehicleWork<Place extends UploadPlace> {
  readonly #port: VehicleWorkPort<Place>;
  readonly #peer: Peer;
  readonly #replies: Replies;
  readonly #requests: RequestWork;
  readonly #running = new Set<string>();
  #retryTimer: Timer | undefined;
  #wakeScheduled = false;

  constructor(port: VehicleWorkPort<Place>, peer: Peer) {
    this.#port = port;
    this.#peer = peer;
    this.#replies = new Replies(port.clock, peer.signal);
    this.#requests = new RequestWork(port, { peer, replies: this.#replies, wake: () => this.wake() });
    peer.signal.addEventListener('abort', () => this.#retryTimer?.[Symbol.dispose](), { once: true });
  }

  deliver(reply: Reply): void {
    this.#replies.deliver(reply);
  }

  /** Looks for something to do: called when anything changed that could allow more. */
  wake(): void {
    if (this.#wakeScheduled || this.#peer.signal.aborted) return;
    this.#wakeScheduled = true;
    queueMicrotask(() => {
      this.#wakeScheduled = false;
      if (!this.#peer.signal.aborted) this.#look();
    });
  }

  #look(): void {
    const { store, clock } = this.#port;
    const { vehicleId } = this.#peer;
    for (const request of store.read.requests.active(vehicleId)) this.#requests.advance(request);
    const nowMs = clock.nowMs();
    for (const transfer of store.read.transfers.next(vehicleId, nowMs, MAX_AT_ONCE + this.#running.size)) {
      if (this.#running.size >= MAX_AT_ONCE) break;
      if (!this.#running.has(transfer.id)) void this.#run(transfer);
    }
    // Those that are due already wait for one of the running ones to end, and need no timer.
    const retryMs = store.read.transfers.earliestRetryMs(vehicleId, nowMs);
    this.#retryTimer?.[Symbol.dispose]();
    this.#retryTimer = retryMs === undefined ? undefined : clock.schedule(retryMs - nowMs, () => this.wake());
  }

  async #run(transfer: Transfer): Promise<void> {
    const { clock, random } = this.#port;
    const { signal } = this.#peer;
    this.#running.add(transfer.id);
    try {
      const onRetry = (error: AppError, _attempt: number, waitMs: number): void => {
        // The link ended, which is nobody's failure: the next session goes on where this one stopped.
        if (!signal.aborted) this.#noteFailure(transfer, error, waitMs);
      };
      await retry(RETRY, { clock, random, signal, onRetry }, () => this.#attempt(transfer));
    } catch (thrown) {
      const error = toAppError(thrown);
      if (!signal.aborted && !isCancelled(error)) await this.#giveUp(transfer, error);
    } finally {
      this.#running.delete(transfer.id);
      if (!this.#port.store.read.transfers.byId(transfer.id)) void this.#port.sweep(this.#peer.vehicle);
      this.wake();
    }
  }

  async #attempt(transfer: Transfer): Promise<void> {
    const { store, settle } = this.#port;
    const found = store.read.transfers.byId(transfer.id);
    const object = found && store.read.objects.byId(found.objectId);
    if (!found || object?.state !== 'receiving' || !object.expected) return;
    const before = await settle(object.id);
    if (before === 'verified') return;
    if (before === 'quarantined') {
      await this.#requeue(found);
      return;
    }
    await attemptTransfer(
      this.#port,
      {
        vehicle: this.#peer.vehicle,
        signal: this.#peer.signal,
        send: (message) => this.#peer.send(message),
        replies: this.#replies,
      },
      { transfer: await this.#stillMissing(found, object), object },
    );
    if ((await settle(object.id)) !== 'verified') await this.#requeue(found);
  }

  /** Live pieces may have come since it was queued; once something of it was sent, it stays as it is. */
  async #stillMissing(transfer: Transfer, object: StoredObject): Promise<Transfer> {
    const { store } = this.#port;
    if (transfer.ackedBytes > 0) return transfer;
    const bytes = missingBytes(store.read.pieces.of(object.id), object.expected!.sizeBytes);
    if (JSON.stringify(bytes) === JSON.stringify(transfer.bytes)) return transfer;
    await store.write((tables) => tables.transfers.setBytes(transfer.id, bytes));
    return store.read.transfers.byId(transfer.id) ?? transfer;
  }

  /** The object is still not whole, or was not what it should be: what is missing now is asked for anew. */
  async #requeue(transfer: Transfer): Promise<void> {
    const { store, clock, random, notKept } = this.#port;
    await store.write((tables) => {
      const object = tables.objects.byId(transfer.objectId);
      tables.transfers.remove(transfer.id);
      if (object?.state !== 'receiving' || !object.expected) return;
      const row = { ...object, ...object.expected, holes: undefined, firstFragment: 0, fragments: 1 };
      queueTransfer(
        tables,
        { lensId: object.lensId, requestId: transfer.requestId, row },
        { nowMs: clock.nowMs(), random, notKept },
      );
    });
  }

  /** Trying again at once cannot help. */
  async #giveUp(transfer: Transfer, error: AppError): Promise<void> {
    const { store, random, log } = this.#port;
    if (error.code !== 'SEGMENT_GONE' && error.code !== 'SEGMENT_CORRUPT') {
      this.#noteFailure(transfer, error, fullJitter(REST, 1, random) + REST.baseMs);
      log.warn({ err: error, transfer: transfer.id }, 'transfer rests');
      return;
    }
    log.warn({ err: error, transfer: transfer.id }, 'segment cannot be had');
    try {
      await store.write((tables) => tables.transfers.remove(transfer.id));
    } catch (thrown) {
      log.error({ err: toAppError(thrown), transfer: transfer.id }, 'transfer could not be withdrawn');
    }
  }

  #noteFailure(transfer: Transfer, error: AppError, restMs: DurationMs): void {
    const { store, clock, log } = this.#port;
    const failure = { notBeforeMs: clock.nowMs() + restMs, lastError: error.message };
    store
      .writeLazily((tables) => tables.transfers.backOff(transfer.id, failure))
      .then(() => this.wake())
      .catch((thrown: unknown) =>
        log.error({ err: toAppError(thrown), transfer: transfer.id }, 'failure could not be noted'),
      );
  }
}

import { AppError, toAppError } from '@gapless/shared/errors';
import type { Range } from '@gapless/shared/interval';
import { RangeSet } from '@gapless/shared/interval';
import type { HeldMessage } from '@gapless/shared/protocol';
import type { DurationMs, Timer } from '@gapless/shared/time';
import { SECOND_MS } from '@gapless/shared/time';
import type { CoverageLayer } from '../store/coverage.js';
import type { Lens } from '../store/lenses.js';
import type { CompletionRequest } from '../store/requests.js';
import { MAX_FAILURES, queueTransfer } from './plan-online.js';
import type { Replies } from './replies.js';
import type { Outcome } from './request-outcome-policy.js';
import { outcomeOf } from './request-outcome-policy.js';
import type { Peer, VehicleWorkPort } from './vehicle-work-port.js';

const LIST_TIMEOUT_MS: DurationMs = 30 * SECOND_MS;

/** Between two looks at a request of which nothing came, so that a vehicle that contradicts itself costs little. */
const REST_MS: DurationMs = 10 * SECOND_MS;

/** Moves the requests of one connected vehicle on: asks what it holds of them, and ends them when nothing is left to come. */
export class RequestWork {
  readonly #port: Omit<VehicleWorkPort<never>, 'inbox' | 'place'>;
  readonly #talk: { readonly peer: Peer; readonly replies: Replies; readonly wake: () => void };
  /** Requests that are being listed or concluded. */
  readonly #busy = new Set<string>();
  readonly #resting = new Map<string, Timer>();
  /** How far the catalogue had got when a request was listed last. */
  readonly #listedAt = new Map<string, number>();

  constructor(
    port: Omit<VehicleWorkPort<never>, 'inbox' | 'place'>,
    talk: { readonly peer: Peer; readonly replies: Replies; readonly wake: () => void },
  ) {
    this.#port = port;
    this.#talk = talk;
    talk.peer.signal.addEventListener('abort', () => this.#stop(), { once: true });
  }

  /** Moves a request on, if there is anything to do about it. */
  advance(request: CompletionRequest): void {
    if (this.#busy.has(request.id) || this.#resting.has(request.id)) return;
    const { vehicles, transfers } = this.#port.store.read;
    switch (request.state) {
      case 'waiting':
      case 'listing': {
        const seq = vehicles.byId(this.#talk.peer.vehicleId)!.catalogueSeq;
        // What the vehicle is still recording can be listed once its catalogue tells of it.
        const isNews = request.reason !== 'STILL_RECORDING' || this.#listedAt.get(request.id) !== seq;
        if (isNews) this.#listedAt.set(request.id, seq);
        void this.#exclusively(request, () => (isNews ? this.#list(request) : this.#conclude(request)));
        return;
      }
      case 'transferring':
        // Also those that move for another request: what they bring counts for this one as well.
        if (
          transfers.ofRequest(request.id).length > 0 ||
          [...this.#missing(request)].some((range) => transfers.isAnyQueued(request.lensId, range))
        )
          return;
        void this.#exclusively(request, () => this.#conclude(request));
        return;
      default:
        return;
    }
  }

  async #exclusively(request: CompletionRequest, work: () => Promise<void>): Promise<void> {
    this.#busy.add(request.id);
    try {
      await work();
    } catch (thrown) {
      if (!this.#talk.peer.signal.aborted) {
        this.#port.log.warn({ err: toAppError(thrown), request: request.id }, 'request rests');
        this.#rest(request.id);
      }
    } finally {
      this.#busy.delete(request.id);
      this.#talk.wake();
    }
  }

  /** Learns what the vehicle holds of a request's missing ranges and queues it. */
  async #list(request: CompletionRequest): Promise<void> {
    const { store } = this.#port;
    await store.write((tables) => tables.requests.setState(request.id, 'listing', undefined));
    for (const range of this.#missing(request)) {
      for (let endMs: number | undefined = range.endMs; endMs !== undefined && endMs > range.startMs;)
        endMs = await this.#listPage(request, { startMs: range.startMs, endMs });
    }
    await store.write((tables) => tables.requests.setState(request.id, 'transferring', undefined));
  }

  /** One page of the answer, newest first; returns where the next one ends, if there is one. */
  async #listPage(request: CompletionRequest, range: Range): Promise<number | undefined> {
    const { store, clock, random, applyHeld, settle, notKept } = this.#port;
    const { peer, replies } = this.#talk;
    const lens = store.read.lenses.byId(request.lensId)!;
    using mailbox = replies.open(request.id);
    peer.send({ type: 'list', id: request.id, lens: lens.name, range });
    const held = (await mailbox.next(LIST_TIMEOUT_MS)) as HeldMessage;
    if (held.moreBeforeMs !== undefined && held.moreBeforeMs >= range.endMs)
      throw new AppError('LINK_PROTOCOL', 'the vehicle lists the same again and again');
    const context = { nowMs: clock.nowMs(), random, notKept };
    const whole = await store.write((tables) => {
      applyHeld(tables, peer.vehicleId, held);
      return held.segments.flatMap(
        (row) => queueTransfer(tables, { lensId: lens.id, requestId: request.id, row }, context) ?? [],
      );
    });
    for (const objectId of whole) await settle(objectId);
    return held.moreBeforeMs;
  }

  async #conclude(request: CompletionRequest): Promise<void> {
    const { store, clock, log } = this.#port;
    const outcome = this.#outcome(request);
    await store.write((tables) => {
      switch (outcome.verdict) {
        case 'ended':
          tables.requests.finish(request.id, { ...outcome, finishedMs: clock.nowMs() });
          return;
        case 'again':
          tables.requests.countFruitless(request.id);
          tables.requests.setState(request.id, 'listing', undefined);
          return;
        case 'wait':
          tables.requests.setState(request.id, 'waiting', outcome.reason);
          return;
      }
    });
    // At first at once, since the catalogue may simply have been ahead; then it is given time.
    if (outcome.verdict === 'wait' || (outcome.verdict === 'again' && request.attempts > 0))
      this.#rest(request.id);
    if (outcome.verdict !== 'ended') return;
    log.info({ request: request.id, state: outcome.state, reason: outcome.reason }, 'request ended');
    void this.#port.sweep(this.#talk.peer.vehicle);
  }

  #outcome(request: CompletionRequest): Outcome {
    const { store, notKept } = this.#port;
    const { hull } = request.ranges;
    if (!hull) return { verdict: 'ended', state: 'done', reason: undefined };
    const layer = (name: CoverageLayer): RangeSet => store.read.coverage.within(request.lensId, name, hull);
    return outcomeOf({
      ranges: request.ranges,
      verified: layer('live').union(layer('fetched')),
      notKept: notKept(request.lensId, hull),
      held: layer('held'),
      toCome: toCome(store.read.lenses.byId(request.lensId)!, hull),
      evicted: layer('lost:evicted'),
      corrupt: layer('lost:corrupt'),
      noSignal: layer('absent:no-signal'),
      unprovable: RangeSet.from(store.read.objects.unprovable(request.lensId, hull, MAX_FAILURES)),
      fruitless: request.attempts,
    });
  }

  /** What is neither here nor given up. */
  #missing(request: CompletionRequest): RangeSet {
    const { store, notKept } = this.#port;
    const { hull } = request.ranges;
    if (!hull) return RangeSet.empty;
    const { coverage } = store.read;
    return request.ranges
      .subtract(coverage.within(request.lensId, 'live', hull))
      .subtract(coverage.within(request.lensId, 'fetched', hull))
      .subtract(notKept(request.lensId, hull));
  }

  #rest(requestId: string): void {
    const timer = this.#port.clock.schedule(REST_MS, () => {
      this.#resting.delete(requestId);
      this.#talk.wake();
    });
    this.#resting.set(requestId, timer);
  }

  #stop(): void {
    for (const timer of this.#resting.values()) timer[Symbol.dispose]();
    this.#resting.clear();
  }
}

/** What a vehicle may still tell of a lens: the segment that it is writing, and all beyond its last word unless it stopped. */
function toCome({ open, asOfMs, state }: Lens, window: Range): RangeSet {
  const beyond = { startMs: Math.max(asOfMs ?? 0, window.startMs), endMs: window.endMs };
  const ranges = [
    ...(open ? [open] : []),
    ...(state !== 'stopped' && beyond.startMs < beyond.endMs ? [beyond] : []),
  ];
  return RangeSet.from(ranges).within(window);
}

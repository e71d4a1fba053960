import { AppError, cancelled, toAppError } from '@gapless/shared/errors';
import { newSortableId } from '@gapless/shared/ids';
import { RangeSet } from '@gapless/shared/interval';
import { every } from '@gapless/shared/lifecycle';
import type { SegmentRow } from '@gapless/shared/protocol';
import type { DurationMs, EpochMs, Timer } from '@gapless/shared/time';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '@gapless/shared/time';
import type { Lens } from '../store/lenses.js';
import { missingBytes } from '../store/pieces.js';
import type { CompletionRequest, RequestReason } from '../store/requests.js';
import type { StoreWriter } from '../store/store.js';
import type { PlanContext, Wanted } from './plan-online.js';
import { askOnline, isWanted, MAX_FAILURES } from './plan-online.js';
import type { Reply } from './replies.js';
import type { UploadPlace } from './transfer-attempt.js';
import { VehicleWork } from './vehicle-work.js';
import type { Peer, VehicleWorkPort } from './vehicle-work-port.js';

export interface CompletionPort<Place extends UploadPlace> extends VehicleWorkPort<Place> {
  /** Whether missing footage of lenses that stream is asked for without anyone's doing. */
  readonly online: boolean;
}

/** A closed segment, with what is here of it. */
export interface ClosedSegment {
  readonly lens: Lens;
  readonly row: SegmentRow;
  readonly objectId: number | undefined;
}

/** What an operator asks for. */
export interface Ask {
  readonly lens: Lens;
  readonly ranges: RangeSet;
  readonly createdBy: string;
  /** Higher goes first. */
  readonly priority?: number | undefined;
  readonly expiresMs?: EpochMs | undefined;
  /** The key that the caller chose, and what was asked with it. */
  readonly idempotency?: { readonly key: string; readonly fingerprint: string } | undefined;
}

/** Live pieces of a segment may still be on their way when the catalogue says that it is closed. */
const LIVE_GRACE_MS: DurationMs = 2 * SECOND_MS;

/** A request of an operator waits this long for its vehicle, unless it says otherwise. */
const DEFAULT_EXPIRY_MS: DurationMs = 7 * DAY_MS;

/** How often requests are looked through for those whose time is up. */
const EXPIRY_EVERY_MS: DurationMs = MINUTE_MS;

/** The completion engine: one queue and one set of rules for whatever is missing, whoever asks. */
export class Completion<Place extends UploadPlace = UploadPlace> {
  readonly #port: CompletionPort<Place>;
  readonly #work = new Map<number, VehicleWork<Place>>();
  readonly #grace = new Set<Timer>();
  readonly #stopped = new AbortController();

  constructor(port: CompletionPort<Place>) {
    this.#port = port;
    void every(port.clock, EXPIRY_EVERY_MS, this.#stopped.signal, () =>
      this.#inBackground('requests could not be ended', this.#expire()),
    );
  }

  /** A vehicle connected: whatever waits for it goes on. */
  attach(peer: Peer): VehicleWork<Place> {
    const work = new VehicleWork(this.#port, peer);
    this.#work.set(peer.vehicleId, work);
    peer.signal.addEventListener('abort', () => this.#detach(peer, work), { once: true });
    const ready = this.#port.store.write((tables) => {
      tables.transfers.requeue(peer.vehicleId);
      tables.requests.setOffline(peer.vehicleId, false);
    });
    void this.#inBackground(
      'waiting transfers could not be begun',
      ready.then(() => work.wake()),
    );
    return work;
  }

  deliver(vehicleId: number, reply: Reply): void {
    this.#work.get(vehicleId)?.deliver(reply);
  }

  /** Something changed for a vehicle that may allow more work. */
  wake(vehicleId: number): void {
    this.#work.get(vehicleId)?.wake();
  }

  /**
   * Decides, inside the transaction that learnt of closed segments, which of them are asked for at once.
   *
   * @param flowing whether live pieces of that segment came in the present session, so that more may follow
   * @returns the objects to look at again after a moment
   */
  planOnline(
    tables: StoreWriter,
    closed: readonly ClosedSegment[],
    flowing: (segment: ClosedSegment) => boolean,
  ): number[] {
    if (!this.#port.online) return [];
    const wanted: Wanted[] = [];
    const later: number[] = [];
    for (const segment of closed) {
      if (segment.lens.live !== 'push' || !isMissing(tables, segment)) continue;
      if (!isWanted(segment.lens.id, segment.row, this.#port)) continue;
      if (segment.objectId !== undefined && flowing(segment)) later.push(segment.objectId);
      else wanted.push(segment);
    }
    askOnline(tables, wanted, this.#context());
    return later;
  }

  /** Looks again at objects whose last live pieces may have come meanwhile, and asks for what has not. */
  askLater(vehicleId: number, objectIds: readonly number[]): void {
    if (objectIds.length === 0) return;
    const timer = this.#port.clock.schedule(LIVE_GRACE_MS, () => {
      this.#grace.delete(timer);
      void this.askIncomplete(vehicleId, objectIds);
    });
    this.#grace.add(timer);
  }

  /**
   * Asks for whatever is missing of the given objects, or of all that a vehicle has begun and closed. Does not fail: what
   * could not be asked for is asked for when the vehicle connects again.
   */
  async askIncomplete(vehicleId: number, objectIds?: readonly number[]): Promise<void> {
    const { store, online } = this.#port;
    if (!online) return;
    const asked = store.write((tables) => {
      const candidates = objectIds
        ? objectIds.flatMap((id) => tables.objects.byId(id) ?? [])
        : tables.objects.receiving(vehicleId);
      const wanted: Wanted[] = [];
      for (const object of candidates) {
        const lens = tables.lenses.byId(object.lensId)!;
        if (object.state !== 'receiving' || !object.expected || lens.live !== 'push') continue;
        if (object.failures >= MAX_FAILURES) continue;
        const row: SegmentRow = {
          ...object,
          ...object.expected,
          holes: undefined,
          firstFragment: 0,
          fragments: 1,
        };
        if (isMissing(tables, { lens, row, objectId: object.id }) && isWanted(lens.id, row, this.#port))
          wanted.push({ lens, row });
      }
      askOnline(tables, wanted, this.#context());
    });
    await this.#inBackground('missing segments could not be asked for', asked);
    this.wake(vehicleId);
  }

  /**
   * An operator asks for ranges of a lens. With an idempotency key that was used before, the request of then is the answer.
   *
   * @throws RANGE_NOT_KEPT when central's retention would give up all of it at once; IDEMPOTENCY_MISMATCH
   */
  async request(ask: Ask): Promise<CompletionRequest> {
    const { store, clock, random, notKept } = this.#port;
    const nowMs = clock.nowMs();
    const id = newSortableId('req', nowMs, random);
    const { lens, ranges, idempotency } = ask;
    const made = await store.write((tables) => {
      const former = idempotency && tables.requests.byIdempotencyKey(idempotency.key);
      if (former) return requireSame(former, idempotency.fingerprint);
      const missing = ranges.subtract(verifiedOf(tables, lens.id, ranges));
      if (!missing.isEmpty && missing.subtract(notKept(lens.id, ranges.hull!)).isEmpty)
        throw notKeptError(lens);
      tables.requests.add({
        id,
        lensId: lens.id,
        mode: 'manual',
        state: 'waiting',
        ...(this.#work.has(lens.vehicleId) ? {} : { reason: 'VEHICLE_OFFLINE' as const }),
        ranges,
        priority: ask.priority ?? 0,
        createdMs: nowMs,
        createdBy: ask.createdBy,
        expiresMs: ask.expiresMs ?? nowMs + DEFAULT_EXPIRY_MS,
        idempotency,
      });
      if (missing.isEmpty)
        tables.requests.finish(id, { state: 'done', reason: 'NOTHING_MISSING', finishedMs: nowMs });
      else tables.objects.forgive(lens.id, ranges.hull!);
      return tables.requests.byId(id)!;
    });
    this.wake(lens.vehicleId);
    return made;
  }

  /** Ends a request before its time; what has come for it stays. */
  async cancel(id: string, reason: RequestReason): Promise<CompletionRequest> {
    const { store, clock } = this.#port;
    const request = store.read.requests.byId(id);
    if (!request) throw new AppError('REQUEST_UNKNOWN', `there is no request ${id}`);
    if (request.finishedMs !== undefined)
      throw new AppError('REQUEST_ENDED', `request ${id} has ended already: ${request.state}`);
    await store.write((tables) =>
      tables.requests.finish(id, { state: 'cancelled', reason, finishedMs: clock.nowMs() }),
    );
    void this.#sweep([request]);
    return store.read.requests.byId(id)!;
  }

  [Symbol.dispose](): void {
    this.#stopped.abort(cancelled('central stops'));
    for (const timer of this.#grace) timer[Symbol.dispose]();
    this.#grace.clear();
  }

  #detach(peer: Peer, work: VehicleWork<Place>): void {
    if (this.#work.get(peer.vehicleId) !== work) return;
    this.#work.delete(peer.vehicleId);
    if (this.#stopped.signal.aborted) return;
    const told = this.#port.store.write((tables) => tables.requests.setOffline(peer.vehicleId, true));
    void this.#inBackground('requests could not be marked as waiting', told);
  }

  /** Ends requests that waited in vain. */
  async #expire(): Promise<void> {
    const { store, clock } = this.#port;
    const finishedMs = clock.nowMs();
    const due = store.read.requests.expired(finishedMs);
    if (due.length === 0) return;
    await store.write((tables) => {
      for (const { id } of due)
        tables.requests.finish(id, { state: 'expired', reason: 'EXPIRED', finishedMs });
    });
    await this.#sweep(due);
  }

  /** What the vehicles of requests that were ended have uploaded for them is of no use any more. */
  async #sweep(ended: readonly CompletionRequest[]): Promise<void> {
    const { store, sweep } = this.#port;
    const vehicles = new Set(ended.map(({ lensId }) => store.read.lenses.byId(lensId)!.vehicle));
    for (const vehicle of vehicles) await sweep(vehicle);
  }

  #context(): PlanContext {
    const { clock, random, notKept } = this.#port;
    return { nowMs: clock.nowMs(), random, notKept };
  }

  async #inBackground(failure: string, work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (thrown) {
      this.#port.log.error({ err: toAppError(thrown) }, failure);
    }
  }
}

/** The same key for something else is a mistake of the caller. */
function requireSame(former: CompletionRequest, fingerprint: string): CompletionRequest {
  if (former.fingerprint === fingerprint) return former;
  throw new AppError('IDEMPOTENCY_MISMATCH', 'this idempotency key was used for another request', {
    hint: 'Use a new key for a new request.',
  });
}

function verifiedOf(tables: StoreWriter, lensId: number, ranges: RangeSet): RangeSet {
  const { hull } = ranges;
  if (!hull) return RangeSet.empty;
  return tables.coverage.within(lensId, 'live', hull).union(tables.coverage.within(lensId, 'fetched', hull));
}

function notKeptError(lens: Lens): AppError {
  return new AppError('RANGE_NOT_KEPT', `central does not keep footage of ${lens.path} that is that old`, {
    hint: 'What retention gave up is not fetched again. Raise retention.maxAge or retention.maxSize to keep more.',
  });
}

/** Whether bytes of a closed segment are missing here, can be had, and are not asked for yet. */
function isMissing(tables: StoreWriter, { lens, row, objectId }: ClosedSegment): boolean {
  // What the vehicle has evicted meanwhile cannot be had, however much of it is here.
  if (tables.coverage.within(lens.id, 'held', row).isEmpty) return false;
  const object =
    objectId === undefined ? tables.objects.byRef(lens.id, row.run, row.seq) : tables.objects.byId(objectId);
  if (!object) return true;
  if (object.state === 'verified' || tables.transfers.ofObject(object.id)) return false;
  return missingBytes(tables.pieces.of(object.id), row.sizeBytes).length > 0;
}

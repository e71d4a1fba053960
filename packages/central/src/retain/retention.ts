import { cancelled, toAppError } from '@gapless/shared/errors';
import type { Range, RangeSet } from '@gapless/shared/interval';
import { every } from '@gapless/shared/lifecycle';
import type { Log } from '@gapless/shared/log';
import type { Clock, DurationMs, EpochMs } from '@gapless/shared/time';
import { formatUtc, MINUTE_MS, PLAUSIBLE_FROM_MS } from '@gapless/shared/time';
import type { MediaUse } from '../store/media-use.js';
import type { StoredObject } from '../store/objects.js';
import type { GiveUpPort } from './give-up.js';
import { giveUp, removeFiles } from './give-up.js';
import type { RetentionBounds } from './retention-policy.js';
import { keptFromMs, notKeptOf, toGiveUp } from './retention-policy.js';

export interface RetentionPort extends GiveUpPort {
  readonly clock: Clock;
  readonly log: Log;
  readonly bounds: RetentionBounds;
  readonly use: Pick<MediaUse, 'isHeld'>;
}

/** Objects that are given up in one transaction. */
const BATCH = 50;

/** How often the age of footage is looked at; space is looked at with every segment that comes in. */
const EVERY_MS: DurationMs = MINUTE_MS;

/** Below this share of the bound there is space again for older footage. */
const ROOMY_RATIO = 0.95;

/** Gives up what is beyond central's own bounds of age and size, the oldest first. */
export class Retention implements AsyncDisposable {
  readonly #port: RetentionPort;
  readonly #stopped = new AbortController();
  #passing: Promise<void> | undefined;
  #again = false;
  /** The newest footage that had to go for want of space ended here. */
  #fullUpToMs: EpochMs | undefined;

  constructor(port: RetentionPort) {
    this.#port = port;
  }

  /** Finishes what a crash interrupted, and goes on from there. */
  async start(): Promise<void> {
    await removeFiles(this.#port);
    const { clock, bounds } = this.#port;
    if (bounds.maxAgeMs === undefined && bounds.maxBytes === undefined) return;
    void every(clock, EVERY_MS, this.#stopped.signal, () => this.pass());
    void this.pass();
  }

  /** A segment came in: looks whether there is still space for it. */
  wake(): void {
    const { store, bounds } = this.#port;
    if (bounds.maxBytes !== undefined && store.read.lenses.storedBytes() > bounds.maxBytes) void this.pass();
  }

  /** What is not kept of a lens in a window: what was given up, and what would be at once. It is not asked for. */
  notKept(lensId: number, window: Range): RangeSet {
    const { store, clock, bounds } = this.#port;
    const keptMs = keptFromMs(bounds, clock.nowMs(), this.#isRoomy() ? undefined : this.#fullUpToMs);
    return notKeptOf(store.read.coverage.within(lensId, 'expired', window), window, keptMs);
  }

  /** Gives up everything that is beyond the bounds now. Does not fail: what was not given up is next time. */
  pass(): Promise<void> {
    this.#again = true;
    this.#passing ??= this.#passes().finally(() => (this.#passing = undefined));
    return this.#passing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort(cancelled('central stops'));
    await this.#passing;
  }

  async #passes(): Promise<void> {
    try {
      while (this.#again && !this.#stopped.signal.aborted) {
        this.#again = false;
        await this.#giveUpVerified();
        await this.#giveUpAbandoned();
      }
    } catch (thrown) {
      this.#port.log.error({ err: toAppError(thrown) }, 'footage could not be given up');
    }
  }

  async #giveUpVerified(): Promise<void> {
    const { store, clock, bounds, use, log } = this.#port;
    let after: { ageFromMs: EpochMs; id: number } | undefined;
    const total = { objects: 0, bytes: 0 };
    let untilMs: EpochMs = 0;
    while (!this.#stopped.signal.aborted) {
      const page = store.read.objects.oldest(after, BATCH);
      const last = page.at(-1);
      if (!last) break;
      const chosen = toGiveUp(bounds, {
        nowMs: clock.nowMs(),
        storedBytes: store.read.lenses.storedBytes(),
        oldest: page.map((one) => ({
          id: one.id,
          ageFromMs: one.ageFromMs!,
          sizeBytes: one.expected!.sizeBytes,
        })),
        isHeld: (id) => use.isHeld(id),
      });
      const held = page.filter(({ id }) => use.isHeld(id)).length;
      const gone = await this.#giveUp(page.filter(({ id }) => chosen.some((one) => one.id === id)));
      total.objects += gone.objects;
      total.bytes += gone.bytes;
      untilMs = Math.max(untilMs, ...chosen.map(({ ageFromMs }) => ageFromMs));
      // Held ones do not shield those behind them.
      if (chosen.length + held < page.length || page.length < BATCH) break;
      after = { ageFromMs: last.ageFromMs!, id: last.id };
    }
    if (total.objects > 0) log.info({ ...total, until: formatUtc(untilMs) }, 'footage given up');
  }

  /** What was begun and never finished goes by its age as well; nobody will ever prove it. */
  async #giveUpAbandoned(): Promise<void> {
    const { store, clock, bounds } = this.#port;
    if (bounds.maxAgeMs === undefined) return;
    const old = { startMs: PLAUSIBLE_FROM_MS, endMs: clock.nowMs() - bounds.maxAgeMs };
    if (old.startMs >= old.endMs) return;
    for (;;) {
      const page = store.read.objects.abandoned(old, BATCH);
      if (page.length === 0 || this.#stopped.signal.aborted) return;
      await this.#giveUp(page);
    }
  }

  async #giveUp(objects: readonly StoredObject[]): Promise<{ objects: number; bytes: number }> {
    const { use, bounds, clock } = this.#port;
    if (objects.length === 0) return { objects: 0, bytes: 0 };
    const ageLimitMs = bounds.maxAgeMs === undefined ? -Infinity : clock.nowMs() - bounds.maxAgeMs;
    for (const { ageFromMs, endMs } of objects)
      if (ageFromMs !== undefined && ageFromMs > ageLimitMs && ageFromMs === endMs)
        this.#fullUpToMs = Math.max(this.#fullUpToMs ?? 0, endMs);
    return giveUp(this.#port, objects, (id) => !use.isHeld(id));
  }

  #isRoomy(): boolean {
    const { store, bounds } = this.#port;
    return bounds.maxBytes === undefined || store.read.lenses.storedBytes() < bounds.maxBytes * ROOMY_RATIO;
  }
}

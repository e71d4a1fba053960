import type { CentralClient } from '@gapless/harness/central-client';
import { formatDuration, sleep, systemClock } from '@gapless/shared/time';
import type { DurationMs, EpochMs } from '@gapless/shared/time';
import { lenses } from './cast.js';
import { Failure } from './failure.js';
import type { LensView, Snapshot } from './timeline.js';
import { emptySnapshot } from './timeline.js';

const POLL_MS = 200;

/** Central may be busy for a moment; longer is a failure. */
const PATIENCE_MS = 8_000;

interface TimelineAnswer {
  readonly runs: readonly {
    readonly from: string;
    readonly to: string;
    readonly state: string;
    readonly reason?: string;
    readonly source?: string;
  }[];
}

interface VehiclesAnswer {
  readonly items: readonly { readonly vehicle: string; readonly connected: boolean }[];
}

export interface WatchPort {
  readonly client: CentralClient;
  /** Where the timelines begin. */
  readonly fromMs: EpochMs;
  /** A sentence about what has ended that should run. */
  readonly fallen: () => string | undefined;
  /** Told of every snapshot. */
  readonly onSnapshot: (snapshot: Snapshot) => void;
}

/** Asks central several times a second how things stand. Whatever the demo shows or waits for comes from here. */
export class Watch {
  readonly #port: WatchPort;
  readonly #waiting = new Set<() => void>();
  #latest = emptySnapshot;

  constructor(port: WatchPort) {
    this.#port = port;
  }

  get latest(): Snapshot {
    return this.#latest;
  }

  /** Asks until the signal aborts; throws when central does not answer any more, or when something has ended. */
  async run(signal: AbortSignal): Promise<void> {
    let answeredMs = systemClock.monotonicMs();
    while (!signal.aborted) {
      const fallen = this.#port.fallen();
      if (fallen !== undefined) throw new Failure(fallen);
      const askedMs = systemClock.monotonicMs();
      const failure = await this.#look(signal);
      if (failure === undefined) answeredMs = systemClock.monotonicMs();
      else if (systemClock.monotonicMs() - answeredMs > PATIENCE_MS)
        throw new Failure(`central does not answer: ${failure}`);
      const tookMs = systemClock.monotonicMs() - askedMs;
      await sleep(systemClock, Math.max(20, POLL_MS - tookMs), signal).catch(() => undefined);
    }
  }

  /**
   * Resolves with what `find` makes of a snapshot, as soon as it makes something of one.
   *
   * @throws Failure naming `what` after `patienceMs`
   */
  until<T>(
    what: string,
    find: (snapshot: Snapshot) => T | undefined,
    wait: { readonly patienceMs: DurationMs; readonly signal: AbortSignal },
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        this.#waiting.delete(look);
        wait.signal.removeEventListener('abort', abort);
        timer[Symbol.dispose]();
        settle();
      };
      const look = (): void => {
        const found = find(this.#latest);
        if (found !== undefined) end(() => resolve(found));
      };
      const abort = (): void => end(() => reject(wait.signal.reason as Error));
      const timer = systemClock.schedule(wait.patienceMs, () =>
        end(() => reject(new Failure(`${what} did not happen within ${formatDuration(wait.patienceMs)}.`))),
      );
      this.#waiting.add(look);
      wait.signal.addEventListener('abort', abort, { once: true });
      if (wait.signal.aborted) abort();
    });
  }

  /** Takes a snapshot and shows it round; returns what was wrong. */
  async #look(signal: AbortSignal): Promise<string | undefined> {
    try {
      this.#latest = await this.#ask(signal);
    } catch (thrown) {
      return signal.aborted ? undefined : String(thrown);
    }
    this.#port.onSnapshot(this.#latest);
    for (const look of this.#waiting) look();
    return undefined;
  }

  async #ask(signal: AbortSignal): Promise<Snapshot> {
    const { client, fromMs } = this.#port;
    const init = { signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]) };
    const atMs = systemClock.nowMs();
    const views = lenses.map(async ({ path }): Promise<LensView> => {
      const query = `from=${fromMs}&to=${Math.max(atMs, fromMs + 1)}`;
      const { runs } = await client.json<TimelineAnswer>(`/api/v1/lenses/${path}/timeline?${query}`, init);
      return {
        path,
        runs: runs.map(({ from, to, ...standing }) => ({
          startMs: Date.parse(from),
          endMs: Date.parse(to),
          ...standing,
        })),
      };
    });
    const [{ items }, ...found] = await Promise.all([
      client.json<VehiclesAnswer>('/api/v1/vehicles', init),
      ...views,
    ]);
    return {
      atMs,
      lenses: found,
      connected: new Set(items.filter(({ connected }) => connected).map(({ vehicle }) => vehicle)),
    };
  }
}

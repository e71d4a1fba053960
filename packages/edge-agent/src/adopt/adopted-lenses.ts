import type { LensName } from '@gapless/shared/ids';
import type { AdoptedLensOptions, AdoptSettings } from './adopted-lens.js';
import { AdoptedLens } from './adopted-lens.js';

/** Which lens is adopted from where, and how long its segments are to be. */
export interface AdoptedLensSettings extends AdoptSettings {
  readonly lens: LensName;
  readonly segmentDurationMs: number;
}

export interface AdoptedLensesPort extends Pick<AdoptedLensOptions, 'watch' | 'bury' | 'log'> {
  readonly port: Omit<AdoptedLensOptions['port'], 'lens' | 'segmentDurationMs'>;
}

interface Adopted {
  readonly settings: AdoptedLensSettings;
  readonly lens: AdoptedLens;
  readonly stop: AbortController;
  ended: Promise<void>;
}

/** The lenses that other programs record. They may come, go and change while others go on. */
export class AdoptedLenses {
  readonly #port: AdoptedLensesPort;
  readonly #adopted = new Map<LensName, Adopted>();
  #signal: AbortSignal | undefined;

  constructor(port: AdoptedLensesPort) {
    this.#port = port;
  }

  get all(): AdoptedLens[] {
    return [...this.#adopted.values()].map(({ lens }) => lens);
  }

  of(lens: LensName): AdoptedLens | undefined {
    return this.#adopted.get(lens)?.lens;
  }

  /** Adopts until the signal aborts; resolves when nothing is under way any more. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    for (const one of this.#adopted.values()) this.#start(one, signal);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.all([...this.#adopted.values()].map(({ ended }) => ended));
  }

  /** Adopts these lenses from now on, and others no more; what was adopted of them stays. */
  async follow(lenses: readonly AdoptedLensSettings[]): Promise<void> {
    const wanted = new Map(lenses.map((settings) => [settings.lens, JSON.stringify(settings)]));
    for (const [lens, adopted] of this.#adopted) {
      if (wanted.get(lens) === JSON.stringify(adopted.settings)) continue;
      adopted.stop.abort();
      await adopted.ended;
      this.#adopted.delete(lens);
    }
    for (const settings of lenses) if (!this.#adopted.has(settings.lens)) this.#add(settings);
  }

  #add(settings: AdoptedLensSettings): void {
    const { port, watch, bury, log } = this.#port;
    const { lens: name, segmentDurationMs } = settings;
    const lens = new AdoptedLens({
      port: { ...port, lens: name, segmentDurationMs },
      ...{ settings, watch, bury, log: log.child({ stage: 'adopt', lens: name }) },
    });
    const adopted = { settings, lens, stop: new AbortController(), ended: Promise.resolve() };
    this.#adopted.set(name, adopted);
    if (this.#signal) this.#start(adopted, this.#signal);
  }

  #start(adopted: Adopted, signal: AbortSignal): void {
    adopted.ended = adopted.lens.run(AbortSignal.any([signal, adopted.stop.signal]));
  }
}

import { Failure } from './failure.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The end that somebody asks for: by Ctrl-C, by a signal, by closing the terminal. */
export class Stop implements Disposable {
  /** Aborts with the sentence to end with. */
  readonly signal: AbortSignal;
  /** Called when the end is asked for. */
  onAsked: () => void = () => undefined;
  /** Called when it is asked for again: ends everything without further ado. */
  atOnce: () => Promise<void> = () => Promise.resolve();

  readonly #controller = new AbortController();
  readonly #process: NodeJS.Process;
  readonly #ask = (): void => this.ask();
  /** A terminal or a pipe that is gone: nobody watches any more, and what is still said fails again. */
  readonly #gone = (): void => {
    if (!this.signal.aborted) this.ask();
  };
  #hurried = false;

  constructor(process: NodeJS.Process) {
    this.#process = process;
    this.signal = this.#controller.signal;
    for (const name of SIGNALS) process.on(name, this.#ask);
    for (const stream of [process.stdout, process.stderr]) stream.on('error', this.#gone);
  }

  ask(): void {
    if (!this.signal.aborted) {
      this.#controller.abort(new Failure('Stopped before the gap was proven to be filled.'));
      this.onAsked();
    } else if (!this.#hurried) {
      this.#hurried = true;
      void this.atOnce().finally(() => this.#process.exit(1));
    }
  }

  /** Resolves when the end is asked for. */
  get asked(): Promise<void> {
    return new Promise((resolve) => {
      if (this.signal.aborted) resolve();
      else this.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** What `work` comes to, unless the end is asked for before. */
  async unless<T>(work: Promise<T>): Promise<T> {
    const asked = this.asked.then(() => {
      throw this.signal.reason;
    });
    return Promise.race([work, asked]);
  }

  [Symbol.dispose](): void {
    for (const name of SIGNALS) this.#process.off(name, this.#ask);
  }
}

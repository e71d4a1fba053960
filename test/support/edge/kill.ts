import type { StepHook } from '@gapless/shared/lifecycle';
import { FaultyDisk } from './faulty-disk.js';

/** What ends a process at a step; nothing that comes after it reaches the disk. */
export class Kill {
  readonly disk = new FaultyDisk();
  #isDone = false;
  #left: number;

  /** Kills the `occurrence`-th time, from 1, that `step` is reached. */
  constructor(
    readonly at: string,
    occurrence = 1,
  ) {
    this.#left = occurrence;
    // The end of a process closes its files.
    this.disk.before = (operation) => (this.#isDone && operation !== 'close' ? 'EKILLED' : undefined);
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  readonly step: StepHook = (step) => {
    if (step !== this.at || --this.#left > 0) return;
    this.#isDone = true;
    throw new Error(`killed at ${step}`);
  };
}

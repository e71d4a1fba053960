import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { Disk, DiskFile } from '@gapless/shared/fs';
import { nodeDisk } from '@gapless/shared/fs';
import type { SimulatedClock } from '@gapless/shared/time';
import { turns } from './central-kit.js';

/** Looks in a row in which nothing moved. */
const QUIET_LOOKS = 4;

/** The real disk, of which is known whether it is busy: simulated time must not pass while real bytes are moving. */
export class WatchedDisk {
  readonly disk: Disk = this.#watch({
    ...nodeDisk,
    create: async (path, mode) => this.#watch(await nodeDisk.create(path, mode)),
    open: async (path) => this.#watch(await nodeDisk.open(path)),
  });
  #pending = 0;

  /** Counts something else that takes real time. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.#pending++;
    try {
      return await work;
    } finally {
      this.#pending--;
    }
  }

  /** Resolves when nothing has been moving for a while. */
  async quiet(): Promise<void> {
    for (let looks = 0; looks < QUIET_LOOKS; looks++) {
      await turns(3);
      await stat(tmpdir());
      if (this.#pending > 0) looks = -1;
    }
  }

  /** Lets simulated time pass, and all that it sets off happen before more of it passes. */
  async pass(clock: SimulatedClock, durationMs: number, stepMs = 1_000): Promise<void> {
    await this.quiet();
    for (let passed = 0; passed < durationMs; passed += stepMs) {
      await clock.advance(Math.min(stepMs, durationMs - passed));
      await this.quiet();
    }
  }

  #watch<T extends Disk | DiskFile>(target: T): T {
    return new Proxy(target, {
      get: (one, name) => {
        const member: unknown = Reflect.get(one, name);
        // A promise asks whatever it is resolved with whether it is a promise.
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => this.during(Reflect.apply(member, one, args) as Promise<unknown>);
      },
    });
  }
}

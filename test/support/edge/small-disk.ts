import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A real file system of a few megabytes over a directory, so that it can be full and can be made read-only. */
export class SmallDisk implements Disposable {
  readonly #directory: string;

  constructor(directory: string, sizeBytes: number) {
    this.#directory = directory;
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'gapless-test', directory], {
      stdio: 'pipe',
    });
  }

  setReadOnly(isReadOnly: boolean): void {
    const options = `remount,${isReadOnly ? 'ro' : 'rw'}`;
    execFileSync('mount', ['-o', options, this.#directory], { stdio: 'pipe' });
  }

  [Symbol.dispose](): void {
    execFileSync('umount', ['-l', this.#directory], { stdio: 'pipe' });
  }

  /** Whether this machine lets us mount anything. */
  static get isAllowed(): boolean {
    const directory = mkdtempSync(join(tmpdir(), 'gapless-mount-'));
    try {
      using _disk = new SmallDisk(directory, 65_536);
      return true;
    } catch {
      return false;
    } finally {
      rmSync(directory, { recursive: true });
    }
  }
}

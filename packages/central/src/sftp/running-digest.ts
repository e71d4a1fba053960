import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';
import type { DiskFile } from '@gapless/shared/fs';

const READ_BYTES = 1024 * 1024;

/**
 * SHA-256 of a growing file's bytes from 0 on. Bytes that arrive next are taken from memory; what was missed (a prefix
 * from before a restart) is read from disk, alongside new writes, until it has caught up.
 */
export class RunningDigest {
  #hash: Hash = createHash('sha256');
  #hashedBytes = 0;
  #catchingUp: Promise<void> | undefined;
  #halted = false;

  /** How long a prefix is hashed. */
  get hashedBytes(): number {
    return this.#hashedBytes;
  }

  /** Takes bytes at `offset` if they are the next ones; others are left for {@link catchUp}. */
  append(bytes: Uint8Array, offset: number): void {
    if (offset !== this.#hashedBytes || this.#catchingUp) return;
    this.#hash.update(bytes);
    this.#hashedBytes += bytes.length;
  }

  /** Forgets what was hashed at or beyond `lengthBytes`. A hash cannot run backwards, so it starts anew. */
  rewind(lengthBytes: number): void {
    if (this.#hashedBytes <= lengthBytes) return;
    this.#hash = createHash('sha256');
    this.#hashedBytes = 0;
  }

  /**
   * Hashes from `file` what was missed, up to `markBytes()`, which may grow meanwhile. A second call joins the first.
   *
   * @throws STORAGE_WRITE_FAILED when the disk cannot be read
   */
  catchUp(file: DiskFile, markBytes: () => number): Promise<void> {
    this.#halted = false;
    this.#catchingUp ??= this.#read(file, markBytes).finally(() => (this.#catchingUp = undefined));
    return this.#catchingUp;
  }

  /** Stops a catch-up; resolves when it no longer touches the file. */
  async halt(): Promise<void> {
    this.#halted = true;
    await this.#catchingUp?.catch(() => undefined);
  }

  /** Lower-case hex of the first {@link hashedBytes} bytes; hashing can go on. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }

  async #read(file: DiskFile, markBytes: () => number): Promise<void> {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    while (!this.#halted && this.#hashedBytes < markBytes()) {
      const from = this.#hashedBytes;
      const into = buffer.subarray(0, Math.min(READ_BYTES, markBytes() - from));
      const read = await file.read(into, from);
      // Somebody cut the file under us; the owner of the mark finds out at its next look.
      if (read === 0) return;
      if (this.#hashedBytes !== from) continue;
      this.#hash.update(into.subarray(0, read));
      this.#hashedBytes += read;
    }
  }
}

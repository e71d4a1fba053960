import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';
import { AppError, assert } from '@gapless/shared/errors';
import type { Disk, DiskFile } from '@gapless/shared/fs';
import type { VehicleId } from '@gapless/shared/ids';
import type { DataLayout } from './layout.js';
import type { StoredObject } from './objects.js';

const CHUNK_BYTES = 1024 * 1024;

/** The file in which one object is put together, its bytes written where they belong as they arrive. */
export class Assembly {
  readonly path: string;
  readonly #disk: Disk;
  #file: Promise<DiskFile> | undefined;
  /** Whether it was open before, so that what is in the file is what was hashed. */
  #isKnown = false;
  #hash: Hash | undefined = createHash('sha256');
  #hashedTo = 0;
  #known: string | undefined;
  #frozen = false;
  readonly #writing = new Set<Promise<void>>();

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.path = path;
  }

  /**
   * Writes bytes at their offset in the segment. What comes in order from the start is hashed on the way.
   *
   * @returns whether they were written: once the object is being settled, late bytes go nowhere
   */
  async write(bytes: Uint8Array, offset: number): Promise<boolean> {
    if (this.#frozen) return false;
    await this.#during(this.#write(bytes, offset));
    return true;
  }

  /** Makes what was written survive a power cut. */
  async sync(): Promise<void> {
    await this.#during(this.open().then((file) => file.sync()));
  }

  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  /** Closes the file until it is needed again, unless it is needed now. */
  async rest(): Promise<void> {
    if (this.#frozen || this.#writing.size > 0) return;
    const file = this.#file;
    this.#file = undefined;
    await (await file)?.close();
  }

  get isFrozen(): boolean {
    return this.#frozen;
  }

  /** From here on nothing is written any more, so that what is proven is what is kept. */
  async freeze(): Promise<void> {
    this.#frozen = true;
    await Promise.allSettled([...this.#writing]);
  }

  /** The open file; created when there is none. */
  open(): Promise<DiskFile> {
    return (this.#file ??= this.#openOrCreate());
  }

  /** The whole file was just proven to have this hash, so it need not be read again. */
  know(sha256: string): void {
    this.#known = sha256;
  }

  /** SHA-256 of the first `sizeBytes`, in hex; read back only if they did not come in order. */
  async sha256(sizeBytes: number): Promise<string> {
    if (this.#known !== undefined) return this.#known;
    if (this.#hash && this.#hashedTo === sizeBytes) return this.#hash.copy().digest('hex');
    const file = await this.open();
    const hash = createHash('sha256');
    const chunk = new Uint8Array(CHUNK_BYTES);
    for (let offset = 0; offset < sizeBytes;) {
      const read = await file.read(chunk.subarray(0, Math.min(chunk.length, sizeBytes - offset)), offset);
      if (read === 0)
        throw new AppError('ASSEMBLY_SHORT', `${this.path} ends at byte ${offset} of ${sizeBytes}`);
      hash.update(chunk.subarray(0, read));
      offset += read;
    }
    return hash.digest('hex');
  }

  async close(): Promise<void> {
    await this.freeze();
    const file = this.#file;
    this.#file = undefined;
    this.#hash = undefined;
    await (await file)?.close();
  }

  async #write(bytes: Uint8Array, offset: number): Promise<void> {
    this.#known = undefined;
    const file = await this.open();
    await file.write(bytes, offset);
    if (offset === this.#hashedTo && this.#hash) {
      this.#hash.update(bytes);
      this.#hashedTo += bytes.length;
    } else if (offset < this.#hashedTo) {
      this.#hash = undefined; // what was hashed has been written again
    }
  }

  async #during(work: Promise<void>): Promise<void> {
    this.#writing.add(work);
    try {
      await work;
    } finally {
      this.#writing.delete(work);
    }
  }

  async #openOrCreate(): Promise<DiskFile> {
    const isKnown = this.#isKnown;
    this.#isKnown = true;
    if ((await this.#disk.sizeBytes(this.path)) === undefined) return this.#disk.create(this.path);
    if (!isKnown) this.#hash = undefined; // bytes of an earlier process are there, but their hash is not
    return this.#disk.open(this.path);
  }
}

/** Files that stay open at once; segments that were begun and never finished would add up to any number. */
const MAX_OPEN_FILES = 1_024;

/** The assemblies that are being written, each exactly once. */
export class Assemblies implements AsyncDisposable {
  readonly #disk: Disk;
  readonly #layout: DataLayout;
  readonly #maxOpenFiles: number;
  readonly #open = new Map<number, Assembly>();

  constructor(disk: Disk, layout: DataLayout, maxOpenFiles = MAX_OPEN_FILES) {
    this.#disk = disk;
    this.#layout = layout;
    this.#maxOpenFiles = maxOpenFiles;
  }

  of(vehicle: VehicleId, object: StoredObject): Assembly {
    assert(object.state === 'receiving', 'only what is not verified is put together');
    let assembly = this.#open.get(object.id);
    if (!assembly) {
      assembly = new Assembly(this.#disk, this.#layout.assembly(vehicle, object.lens, object));
      this.#restOldest();
      this.#open.set(object.id, assembly);
    }
    return assembly;
  }

  /** Whether an object's file is being proven, so that nothing may touch it. */
  isSettling(objectId: number): boolean {
    return this.#open.get(objectId)?.isFrozen ?? false;
  }

  /** Closes an object's file and forgets it. */
  async release(objectId: number): Promise<void> {
    const assembly = this.#open.get(objectId);
    this.#open.delete(objectId);
    await assembly?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of [...this.#open.keys()]) await this.release(id);
  }

  /** Makes room for one more. One that is still written to opens its file again. */
  #restOldest(): void {
    const open = [...this.#open.values()].filter(({ isOpen }) => isOpen);
    for (const assembly of open.slice(0, Math.max(0, open.length + 1 - this.#maxOpenFiles)))
      // Whatever did not get to the disk shows when the file is proven.
      assembly.rest().catch(() => undefined);
  }
}

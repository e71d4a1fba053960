import { createHash, timingSafeEqual } from 'node:crypto';
import { chmod, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, errnoOf } from '@gapless/shared/errors';
import type { Disk, DiskFile } from '@gapless/shared/fs';
import { diskError, publishFile } from '@gapless/shared/fs';
import type { VehicleId } from '@gapless/shared/ids';
import type { Manifest } from '@gapless/shared/protocol';
import { transferOfUpload, uploadName } from '../store/layout.js';
import type { StoreReader } from '../store/store.js';

/** Where the bytes of one artifact are allowed to go; what a ticket says, from central's side. */
export interface Berth {
  /** As the vehicle names it. */
  readonly path: string;
  readonly file: string;
  readonly sizeBytes: number;
  /** The prefix that is sound already. */
  readonly offset: number;
}

/** What the SFTP server knows of a file beyond its bytes, if it is the one inside central. */
export interface ServerSide {
  /** SHA-256 in hex of a file that was closed complete in this process. */
  digestOf(file: string): string | undefined;
  /** Ends whoever writes the file; resolves when nothing touches it any more. */
  release(file: string): Promise<void>;
}

export interface InboxPort {
  readonly store: StoreReader;
  readonly disk: Disk;
  /** Absolute path; one directory a vehicle. */
  readonly inboxDir: string;
  /** What stands before the name in the path as a vehicle knows it; empty for the server inside central. */
  readonly pathPrefix: (vehicle: VehicleId) => string;
  /** Whether another program writes into the inbox, too. */
  readonly isShared: boolean;
  /** Undefined for a server outside central: then everything is read back. */
  readonly server: () => ServerSide | undefined;
}

const CHUNK_BYTES = 256 * 1024;

/** The partial files of all uploads: who may write where, which prefix is sound, and whether the whole is. */
export class Inbox {
  readonly #port: InboxPort;
  /** Those that may be written to, keyed by vehicle and path. */
  readonly #berths = new Map<string, Berth>();
  /** By file: who works on it, from {@link open} to {@link close}. The latest counts. */
  readonly #occupied = new Map<string, Berth>();

  constructor(port: InboxPort) {
    this.#port = port;
  }

  /** Whether a public key (SSH wire form) is the one that a vehicle was enrolled with. */
  isAuthorised(user: string, publicKey: Uint8Array): boolean {
    const vehicle = this.#port.store.vehicles.byName(user);
    if (vehicle?.state !== 'enrolled' || vehicle.sftpKey.length !== publicKey.length) return false;
    return timingSafeEqual(vehicle.sftpKey, publicKey);
  }

  /** Where a vehicle's ticket for a path leads to. */
  target(user: string, path: string): Berth | undefined {
    return this.#berths.get(`${user}\n${path}`);
  }

  /** Prepares the place for an artifact and finds out which prefix of it is there and sound. */
  async open(vehicle: VehicleId, transfer: string, manifest: Manifest): Promise<Berth> {
    const name = uploadName(transfer, manifest.sha256);
    const path = `${this.#port.pathPrefix(vehicle)}${name}`;
    const file = join(this.#port.inboxDir, vehicle, name);
    await this.#makeDirectory(join(this.#port.inboxDir, vehicle));
    this.#berths.delete(`${vehicle}\n${path}`);
    await this.#port.server()?.release(file);
    const berth = {
      path,
      file,
      sizeBytes: manifest.sizeBytes,
      offset: await this.#soundPrefix(file, manifest),
    };
    this.#occupied.set(file, berth);
    this.#berths.set(`${vehicle}\n${path}`, berth);
    return berth;
  }

  async #makeDirectory(path: string): Promise<void> {
    const made = await mkdir(path, { recursive: true });
    // An outside server runs as another user, who shares the group of the inbox and nothing else.
    if (made !== undefined && this.#port.isShared) await chmod(path, 0o2770);
  }

  /**
   * Withdraws the ticket and proves the artifact; its file stays where it is until {@link close}.
   *
   * @throws TRANSFER_SIZE_MISMATCH or TRANSFER_CHECKSUM_MISMATCH (data-loss)
   */
  async prove(vehicle: VehicleId, berth: Berth, manifest: Manifest): Promise<void> {
    if (this.#occupied.get(berth.file) === berth) this.#berths.delete(`${vehicle}\n${berth.path}`);
    const digest = this.#port.server()?.digestOf(berth.file);
    await this.#port.server()?.release(berth.file);
    const sizeBytes = await this.#port.disk.sizeBytes(berth.file);
    if (sizeBytes !== manifest.sizeBytes) {
      throw new AppError(
        'TRANSFER_SIZE_MISMATCH',
        `the upload has ${sizeBytes ?? 0} bytes of ${manifest.sizeBytes}`,
      );
    }
    const sha256 = digest ?? (await this.#sha256(berth.file));
    if (sha256 !== manifest.sha256) {
      throw new AppError(
        'TRANSFER_CHECKSUM_MISMATCH',
        `the upload has SHA-256 ${sha256}, the manifest says ${manifest.sha256}`,
      );
    }
  }

  /** Withdraws the ticket; the bytes that are there stay for the next try. */
  async close(vehicle: VehicleId, berth: Berth): Promise<void> {
    // Whoever was late, after another session has begun anew, takes nothing from it.
    if (this.#occupied.get(berth.file) !== berth) return;
    this.#occupied.delete(berth.file);
    this.#berths.delete(`${vehicle}\n${berth.path}`);
    await this.#port.server()?.release(berth.file);
  }

  /** Removes what is left of a vehicle's transfers that are no more: completed another way, withdrawn, cancelled. */
  async sweep(vehicle: VehicleId): Promise<void> {
    const directory = join(this.#port.inboxDir, vehicle);
    for (const name of await namesIn(directory)) {
      const transfer = transferOfUpload(name);
      const file = join(directory, name);
      if (transfer === undefined || this.#occupied.has(file)) continue;
      if (this.#port.store.transfers.byId(transfer) === undefined) await this.#port.disk.remove(file);
    }
  }

  /** Takes a file that is not what its manifest says out of the way; returns whether there is one. */
  async quarantine(vehicle: VehicleId, berth: Berth, to: string): Promise<boolean> {
    const { disk } = this.#port;
    await this.close(vehicle, berth);
    if ((await disk.sizeBytes(berth.file)) === undefined) return false;
    await publishFile(disk, berth.file, to);
    return true;
  }

  /** How many bytes from the start agree with the block hashes, in whole blocks. */
  async #soundPrefix(path: string, manifest: Manifest): Promise<number> {
    const sizeBytes = await this.#port.disk.sizeBytes(path);
    if (sizeBytes === undefined || sizeBytes === 0) return 0;
    const file = await this.#port.disk.open(path);
    try {
      let sound = 0;
      for (const expected of manifest.blocks) {
        const end = Math.min(sound + manifest.blockBytes, manifest.sizeBytes);
        if (end > sizeBytes || (await hashOf(file, sound, end)) !== expected) break;
        sound = end;
      }
      await file.truncate(sound);
      return sound;
    } finally {
      await file.close();
    }
  }

  async #sha256(path: string): Promise<string> {
    const file = await this.#port.disk.open(path);
    try {
      return await hashOf(file, 0, await file.sizeBytes());
    } finally {
      await file.close();
    }
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (thrown) {
    // Nothing was uploaded yet.
    if (errnoOf(thrown) === 'ENOENT') return [];
    throw diskError('list', directory, thrown);
  }
}

async function hashOf(file: DiskFile, from: number, to: number): Promise<string> {
  const hash = createHash('sha256');
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let at = from; at < to;) {
    const read = await file.read(chunk.subarray(0, Math.min(chunk.length, to - at)), at);
    if (read === 0) break;
    hash.update(chunk.subarray(0, read));
    at += read;
  }
  return hash.digest('hex');
}

import { createPublicKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, errnoOf } from '@gapless/shared/errors';
import type { Disk } from '@gapless/shared/fs';
import { writeFileDurably } from '@gapless/shared/fs';
import type { VehicleId } from '@gapless/shared/ids';
import { Serial } from '@gapless/shared/lifecycle';
import { base64, hostKeyFingerprint, vehicleId } from '@gapless/shared/protocol';
import { z } from 'zod';

/** What enrolment left on the box: who it is, and whom it trusts. Nothing in it is secret. */
const identitySchema = z.object({
  v: z.literal(1),
  vehicle: vehicleId,
  /** Names the directory of the access keys that were made for this enrolment, hex. */
  enrolment: z.string().regex(/^[0-9a-f]{16}$/),
  /** Central's identity key, SPKI DER in base64; pinned by the claim code. */
  centralKey: base64,
  /** Host keys that central's SFTP server may show. */
  hostKeys: z.array(hostKeyFingerprint).min(1).max(8),
  /** How many times this box has introduced itself; on disk before each time. */
  helloCounter: z.int().min(0),
});

export type Identity = z.infer<typeof identitySchema>;

/** Keeps the identity file; the agent is its only writer. */
export class IdentityFile {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #writes = new Serial();
  #identity: Identity | undefined;

  private constructor(disk: Disk, path: string, identity: Identity | undefined) {
    this.#disk = disk;
    this.#path = path;
    this.#identity = identity;
  }

  static async load(disk: Disk, stateDir: string): Promise<IdentityFile> {
    const path = join(stateDir, 'identity.json');
    return new IdentityFile(disk, path, await read(path));
  }

  /** Undefined until the vehicle has been enrolled. */
  get identity(): Identity | undefined {
    return this.#identity;
  }

  /** Central's identity key as Node wants it. */
  get centralKey(): ReturnType<typeof createPublicKey> | undefined {
    if (!this.#identity) return undefined;
    return createPublicKey({
      key: Buffer.from(this.#identity.centralKey, 'base64'),
      format: 'der',
      type: 'spki',
    });
  }

  /** Reads the file again, which the `enroll` command may have written meanwhile. */
  reload(): Promise<void> {
    return this.#writes.run(() => this.#read());
  }

  /** Replaces who this box is, after enrolment. */
  async enrol(enrolled: {
    vehicle: VehicleId;
    enrolment: string;
    centralKey: Uint8Array;
    hostKeys: readonly string[];
  }): Promise<void> {
    await this.#save({
      v: 1,
      vehicle: enrolled.vehicle,
      enrolment: enrolled.enrolment,
      centralKey: Buffer.from(enrolled.centralKey).toString('base64'),
      hostKeys: [...enrolled.hostKeys],
      helloCounter: 0,
    });
  }

  /**
   * The next hello's counter, durable before it is used. The file is read again: the vehicle may have been enrolled
   * anew. Several dials may ask at once; each gets a number of its own.
   */
  nextCounter(): Promise<number> {
    return this.#writes.run(async () => {
      await this.#read();
      const identity = this.#require();
      const helloCounter = identity.helloCounter + 1;
      await this.#save({ ...identity, helloCounter });
      return helloCounter;
    });
  }

  /** Takes over the host keys that central announced in a signed welcome. */
  pinHostKeys(hostKeys: readonly string[]): Promise<void> {
    return this.#writes.run(async () => {
      const identity = this.#require();
      if (hostKeys.length === 0 || hostKeys.join() === identity.hostKeys.join()) return;
      await this.#save({ ...identity, hostKeys: [...hostKeys] });
    });
  }

  async #read(): Promise<void> {
    this.#identity = await read(this.#path);
  }

  #require(): Identity {
    if (this.#identity) return this.#identity;
    throw new AppError('NOT_ENROLLED', 'this vehicle is not enrolled at any central', {
      hint: 'At central: gapless-central enroll VEHICLE. Then here: gapless-edge enroll --central URL --code CODE.',
    });
  }

  async #save(identity: Identity): Promise<void> {
    await writeFileDurably(
      this.#disk,
      this.#path,
      Buffer.from(`${JSON.stringify(identity, null, 2)}\n`),
      0o600,
    );
    this.#identity = identity;
  }
}

async function read(path: string): Promise<Identity | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
  try {
    return identitySchema.parse(JSON.parse(text));
  } catch (thrown) {
    throw new AppError('IDENTITY_UNREADABLE', `${path} is damaged`, {
      cause: thrown,
      hint: 'Restore it from a backup, or remove it and enrol this vehicle again.',
    });
  }
}

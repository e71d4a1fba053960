import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Manifest } from '@gapless/shared/protocol';
import { BLOCK_BYTES } from '@gapless/shared/protocol';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CentralKit } from '../../../../test/support/central-kit.js';
import { seededRandom } from '../../../../test/support/seeded-random.js';
import type { Vehicle } from '../store/index.js';
import type { ServerSide } from './inbox.js';
import { Inbox } from './inbox.js';

const TRANSFER = 'xfer_01k5xj9m3q7w8r2t4v6y8z0abc';
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Three blocks and a bit. */
const content = Buffer.from(seededRandom(7).bytes(3 * BLOCK_BYTES + 1_234));

function manifestOf(bytes: Buffer): Manifest {
  const blocks: string[] = [];
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES)
    blocks.push(sha256(bytes.subarray(at, at + BLOCK_BYTES)));
  return { v: 1, sizeBytes: bytes.length, sha256: sha256(bytes), blockBytes: BLOCK_BYTES, blocks };
}

describe(Inbox, () => {
  let kit: CentralKit;
  let vehicle: Vehicle;
  let inbox: Inbox;
  let server: ServerSide | undefined;
  let released: string[];
  beforeEach(async () => {
    kit = await CentralKit.create();
    vehicle = await kit.enrol();
    released = [];
    server = undefined;
    inbox = new Inbox({
      store: kit.store.read,
      disk: kit.disk,
      inboxDir: kit.layout.inboxDir,
      pathPrefix: () => '',
      isShared: false,
      server: () => server,
    });
  });
  afterEach(() => kit[Symbol.asyncDispose]());

  const manifest = manifestOf(content);
  const file = (): string =>
    join(kit.layout.inboxDir, vehicle.name, `${TRANSFER}-${manifest.sha256.slice(0, 16)}.part`);
  const leave = async (bytes: Uint8Array): Promise<void> => {
    await mkdir(dirname(file()), { recursive: true });
    await writeFile(file(), bytes);
  };

  /** Sound blocks from the start, of a file with these bytes. */
  const soundBlocks = (bytes: Buffer): number => {
    let sound = 0;
    for (let at = 0; at < content.length; at += BLOCK_BYTES) {
      const end = Math.min(at + BLOCK_BYTES, content.length);
      if (bytes.length < end || !bytes.subarray(at, end).equals(content.subarray(at, end))) break;
      sound = end;
    }
    return sound;
  };

  it('begins at the start when nothing is there', async () => {
    const berth = await inbox.open(vehicle.name, TRANSFER, manifest);
    expect(berth).toMatchObject({ file: file(), offset: 0, sizeBytes: content.length });
    expect(inbox.target(vehicle.name, berth.path)).toEqual(berth);
  });

  it('goes on behind the sound whole blocks, wherever the upload was cut and whatever was damaged', async () => {
    const cut = fc.oneof(
      fc.constantFrom(
        0,
        1,
        BLOCK_BYTES - 1,
        BLOCK_BYTES,
        BLOCK_BYTES + 1,
        3 * BLOCK_BYTES,
        content.length - 1,
        content.length,
      ),
      fc.nat(content.length),
    );
    const damage = fc.array(fc.nat(content.length - 1), { maxLength: 2 });
    const beyond = fc.nat(2 * BLOCK_BYTES);
    await fc.assert(
      fc.asyncProperty(cut, damage, beyond, async (length, damaged, more) => {
        const left = Buffer.concat([
          content.subarray(0, length),
          length === content.length ? Buffer.alloc(more) : Buffer.alloc(0),
        ]);
        for (const at of damaged) if (at < left.length) left[at]! ^= 0x80;
        await leave(left);
        const { offset } = await inbox.open(vehicle.name, TRANSFER, manifest);
        expect(offset).toBe(soundBlocks(left));
        // What is not sound is gone, so that the upload appends to nothing else.
        expect((await readFile(file())).equals(content.subarray(0, offset))).toBe(true);
      }),
      { numRuns: 120 },
    );
  });

  it('never takes an old beginning for that of another content', async () => {
    await leave(content.subarray(0, BLOCK_BYTES));
    const other = Buffer.from(content);
    other[content.length - 1]! ^= 1;
    expect(await inbox.open(vehicle.name, TRANSFER, manifestOf(other))).toMatchObject({ offset: 0 });
  });

  it('proves size and hash, reading back what the server did not hash', async () => {
    const berth = await inbox.open(vehicle.name, TRANSFER, manifest);
    await writeFile(berth.file, content.subarray(0, 100));
    await expect(inbox.prove(vehicle.name, berth, manifest)).rejects.toMatchObject({
      code: 'TRANSFER_SIZE_MISMATCH',
    });
    const wrong = Buffer.from(content);
    wrong[5]! ^= 1;
    await writeFile(berth.file, wrong);
    await expect(inbox.prove(vehicle.name, berth, manifest)).rejects.toMatchObject({
      code: 'TRANSFER_CHECKSUM_MISMATCH',
      kind: 'data-loss',
    });
    await writeFile(berth.file, content);
    await inbox.prove(vehicle.name, berth, manifest);
    expect(inbox.target(vehicle.name, berth.path)).toBeUndefined();
  });

  it('believes the hash that its own server made while writing, and ends the writer first', async () => {
    server = { digestOf: () => '0'.repeat(64), release: async (path) => void released.push(path) };
    const berth = await inbox.open(vehicle.name, TRANSFER, manifest);
    await writeFile(berth.file, content);
    await expect(inbox.prove(vehicle.name, berth, manifest)).rejects.toMatchObject({
      code: 'TRANSFER_CHECKSUM_MISMATCH',
    });
    expect(released).toEqual([berth.file, berth.file]);
  });

  it('gives a ticket to its own vehicle alone, and none any more once it is withdrawn', async () => {
    const berth = await inbox.open(vehicle.name, TRANSFER, manifest);
    expect(inbox.target('bus-007', berth.path)).toBeUndefined();
    expect(inbox.target(vehicle.name, `../${vehicle.name}/${berth.path}`)).toBeUndefined();
    await inbox.close(vehicle.name, berth);
    expect(inbox.target(vehicle.name, berth.path)).toBeUndefined();
  });

  it('removes what is left of transfers that are no more, and nothing that somebody works on', async () => {
    const berth = await inbox.open(vehicle.name, TRANSFER, manifest);
    await writeFile(berth.file, content);
    const foreign = join(dirname(berth.file), 'notes.txt');
    await writeFile(foreign, 'of somebody else');
    await inbox.sweep(vehicle.name);
    await inbox.prove(vehicle.name, berth, manifest);
    await inbox.sweep(vehicle.name);
    expect(await kit.disk.sizeBytes(berth.file)).toBe(content.length);
    await inbox.close(vehicle.name, berth);
    await inbox.sweep(vehicle.name);
    expect(await kit.disk.sizeBytes(berth.file)).toBeUndefined();
    expect(await kit.disk.sizeBytes(foreign)).toBeGreaterThan(0);
    await inbox.sweep((await kit.enrol('bus-007')).name);
  });

  it('lets a late end of an old try take nothing from a new one', async () => {
    const old = await inbox.open(vehicle.name, TRANSFER, manifest);
    const fresh = await inbox.open(vehicle.name, TRANSFER, manifest);
    await inbox.close(vehicle.name, old);
    expect(inbox.target(vehicle.name, fresh.path)).toEqual(fresh);
  });

  it('puts a bad upload where somebody finds it', async () => {
    const berth = await inbox.open(vehicle.name, TRANSFER, manifest);
    expect(await inbox.quarantine(vehicle.name, berth, kit.layout.quarantine('nothing'))).toBe(false);
    await writeFile(berth.file, 'rubbish');
    expect(await inbox.quarantine(vehicle.name, berth, kit.layout.quarantine('bad'))).toBe(true);
    expect(await readFile(kit.layout.quarantine('bad'), 'utf8')).toBe('rubbish');
    expect(await kit.disk.sizeBytes(berth.file)).toBeUndefined();
  });

  it('knows the keys of enrolled vehicles alone', async () => {
    expect(inbox.isAuthorised(vehicle.name, vehicle.sftpKey)).toBe(true);
    expect(inbox.isAuthorised(vehicle.name, vehicle.sftpKey.slice(1))).toBe(false);
    expect(inbox.isAuthorised('nobody', vehicle.sftpKey)).toBe(false);
    await kit.store.write((tables) => tables.vehicles.setState(vehicle.id, 'revoked'));
    expect(inbox.isAuthorised(vehicle.name, vehicle.sftpKey)).toBe(false);
  });
});

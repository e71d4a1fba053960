import { appendFile, open, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RateLimiter } from '@gapless/edge-agent/upload/index';
import { systemClock } from '@gapless/shared/time';
import { describe, expect, it } from 'vitest';
import { SmallDisk } from '../../support/edge/small-disk.js';
import { hasSshd } from '../../support/peers/openssh.js';
import { sampleBytes, sha256 } from '../sftp/support/sftp-kit.js';
import { seededRandom } from '../sftp/support/seeded-random.js';
import type { UploadEvent } from '../../../packages/edge-agent/src/deliver/index.js';
import { DeliverKit } from './support/deliver-kit.js';
import { farReadBack } from './support/far-read-back.js';

const MIB = 1024 * 1024;

/** The partial file of what has these bytes. */
const partialOf = (name: string, bytes: Uint8Array): string => `${name}.${sha256(bytes).slice(0, 16)}.part`;

describe.skipIf(!hasSshd)('an upload that is interrupted', () => {
  it('arrives byte for byte after 25 kills of the connection, sent little more than once', async () => {
    const random = seededRandom(7);
    await using kit = await DeliverKit.create();
    const bytes = sampleBytes(12 * MIB);
    let kills = 0;
    kit.proxy.nextBudgetBytes = () => (kills++ < 25 ? Math.floor(random() * 900_000) : Infinity);
    const { state } = await kit.upload([await kit.file('a.bin', bytes)]);
    expect(state).toBe('done');
    expect(kills).toBeGreaterThan(20);
    expect(bytes.equals(await kit.arrived('a.bin'))).toBe(true);
    expect(await kit.names()).toEqual(['a.bin']);
  });

  it('goes on where it stood when the agent is started again', async () => {
    await using kit = await DeliverKit.create();
    const bytes = sampleBytes(16 * MIB);
    const id = await kit.accept([await kit.file('a.bin', bytes)], { rateBytesPerSec: 8 * MIB });
    await kit.until(
      id,
      (event) => event.type === 'item' && event.state === 'sending' && event.doneBytes > 4 * MIB,
    );
    await kit.stop();
    const held = (await stat(join(kit.inbox, partialOf('a.bin', bytes)))).size;
    expect(held).toBeGreaterThan(4 * MIB);
    await kit.start();
    const { state, items } = await kit.ended(id);
    expect(state).toBe('done');
    expect(items[0]!.resumedBytes).toBeGreaterThanOrEqual(held - MIB);
    expect(bytes.equals(await kit.arrived('a.bin'))).toBe(true);
    // Not begun anew: what went up is the file once, and a little.
    expect(kit.proxy.uplinkBytes).toBeLessThan(bytes.length * 1.15);
  });

  it('goes on when the server is started again', async () => {
    await using kit = await DeliverKit.create();
    const bytes = sampleBytes(12 * MIB);
    const id = await kit.accept([await kit.file('a.bin', bytes)], { rateBytesPerSec: 8 * MIB });
    await kit.until(
      id,
      (event) => event.type === 'item' && event.state === 'sending' && event.doneBytes > 3 * MIB,
    );
    await kit.stopServer();
    await kit.until(id, (event) => event.type === 'upload' && event.reason?.code === 'SFTP_UNREACHABLE');
    await kit.startServer();
    expect((await kit.ended(id)).state).toBe('done');
    expect(bytes.equals(await kit.arrived('a.bin'))).toBe(true);
    expect(kit.proxy.uplinkBytes).toBeLessThan(bytes.length * 1.4);
  });

  it.each(['2-describe', '3-send', '4-prove', '5-publish', '6-verified'])(
    'ends the same when it is stopped at deliver:%s',
    async (name) => {
      await using kit = await DeliverKit.create();
      const bytes = sampleBytes(700_000);
      let stopping: Promise<void> | undefined;
      kit.step = (step) => {
        if (stopping || step !== `deliver:${name}`) return;
        stopping = kit.stop();
        throw new Error('this is as far as it got');
      };
      const id = await kit.accept([await kit.file('a.bin', bytes)]);
      await expect.poll(() => stopping !== undefined).toBe(true);
      await stopping;
      await kit.start();
      expect((await kit.ended(id)).items).toMatchObject([{ state: 'verified', sha256: sha256(bytes) }]);
      expect(bytes.equals(await kit.arrived('a.bin'))).toBe(true);
      expect(await kit.names()).toEqual(['a.bin']);
    },
  );

  it('is not accepted by halves', async () => {
    await using kit = await DeliverKit.create();
    kit.step = () => {
      throw new Error('this is as far as it got');
    };
    await expect(kit.accept([await kit.file('a.bin', sampleBytes(10))])).rejects.toThrow();
    await kit.stop();
    await kit.start();
    expect(kit.uploads.list(10)).toEqual([]);
  });

  it('believes no tail that a crash of the server has spoilt', async () => {
    await using kit = await DeliverKit.create();
    const bytes = sampleBytes(4 * MIB);
    const partial = join(kit.inbox, partialOf('a.bin', bytes));
    await writeFile(partial, bytes.subarray(0, 2 * MIB));
    // What a file system shows of pages that were never written.
    await appendFile(partial, Buffer.alloc(300_000));
    const { state, items } = await kit.upload([await kit.file('a.bin', bytes)]);
    expect(state).toBe('done');
    expect(items[0]!.resumedBytes).toBeGreaterThan(MIB);
    expect(items[0]!.resumedBytes).toBeLessThanOrEqual(2 * MIB);
    expect(bytes.equals(await kit.arrived('a.bin'))).toBe(true);
  });

  it('finds what is wrong in the middle, and sends from there', async () => {
    await using kit = await DeliverKit.create();
    const bytes = sampleBytes(4 * MIB);
    const spoilt = Buffer.from(bytes);
    spoilt.fill(0, 3 * MIB, 3 * MIB + 4096);
    await writeFile(join(kit.inbox, partialOf('a.bin', bytes)), spoilt);
    const { state } = await kit.upload([await kit.file('a.bin', bytes)]);
    expect(state).toBe('done');
    expect(bytes.equals(await kit.arrived('a.bin'))).toBe(true);
    expect(kit.proxy.uplinkBytes).toBeLessThan(1.5 * MIB);
  });

  it('cuts off what is longer than it may be', async () => {
    await using kit = await DeliverKit.create();
    const bytes = sampleBytes(MIB);
    await writeFile(join(kit.inbox, partialOf('a.bin', bytes)), Buffer.concat([bytes, bytes]));
    expect((await kit.upload([await kit.file('a.bin', bytes)])).state).toBe('done');
    expect(bytes.equals(await kit.arrived('a.bin'))).toBe(true);
  });

  it('keeps to its rate, both ways', async () => {
    await using kit = await DeliverKit.create();
    const bytes = sampleBytes(1_500_000);
    const path = await kit.file('a.bin', bytes);
    const startedMs = performance.now();
    expect((await kit.upload([path], { rateBytesPerSec: 1_000_000 })).state).toBe('done');
    // Up and down again, less what may go at once.
    expect(performance.now() - startedMs).toBeGreaterThan(2_400);
  });

  it('keeps to the rate of all together', async () => {
    await using kit = await DeliverKit.create();
    const sharedLimit = new RateLimiter(systemClock);
    sharedLimit.set(1_000_000);
    await kit.stop();
    await kit.start({ sharedLimit });
    const path = await kit.file('a.bin', sampleBytes(700_000));
    const startedMs = performance.now();
    const ids = await Promise.all(
      ['x', 'y'].map((to) => kit.accept([path], { url: kit.url(`${to}/{name}`) })),
    );
    for (const id of ids) expect((await kit.ended(id)).state).toBe('done');
    expect(performance.now() - startedMs).toBeGreaterThan(2_200);
  });

  it.skipIf(!SmallDisk.isAllowed)(
    'waits for room on the disk of the server, says so, and goes on',
    async () => {
      await using kit = await DeliverKit.create();
      const bytes = sampleBytes(3 * MIB);
      const path = await kit.file('a.bin', bytes);
      using _disk = new SmallDisk(kit.inbox, 4 * MIB);
      const ballast = join(kit.inbox, 'ballast');
      await writeFile(ballast, Buffer.alloc(2 * MIB));
      const id = await kit.accept([path]);
      const { items } = await kit.until(id, (event) => event.type === 'item' && event.state === 'retrying');
      expect(items[0]!.reason).toMatchObject({ code: 'UPLOAD_REMOTE_FULL' });
      await truncate(ballast, 0);
      expect((await kit.ended(id)).state).toBe('done');
      expect(bytes.equals(await kit.arrived('a.bin'))).toBe(true);
    },
  );

  it('does not carry a file that is written to meanwhile', async () => {
    await using kit = await DeliverKit.create();
    const path = await kit.file('a.bin', sampleBytes(MIB));
    kit.step = (step) => {
      if (step === 'deliver:4-prove') growing = appendFile(path, 'more');
    };
    let growing: Promise<void> | undefined;
    const { items } = await kit.upload([path], { rateBytesPerSec: 4 * MIB });
    await growing;
    expect(items).toMatchObject([{ state: 'failed', reason: { code: 'UPLOAD_SOURCE_CHANGED' } }]);
    expect(await kit.names()).toEqual([partialOf('a.bin', sampleBytes(MIB))]);
  });

  it('pauses, survives that, goes on, and can be cancelled', async () => {
    await using kit = await DeliverKit.create();
    const bytes = sampleBytes(8 * MIB);
    const path = await kit.file('a.bin', bytes);
    const isSending = (event: UploadEvent): boolean =>
      event.type === 'item' && event.state === 'sending' && event.doneBytes > MIB;
    const id = await kit.accept([path], { rateBytesPerSec: 4 * MIB });
    await kit.until(id, isSending);
    await kit.uploads.pause(id);
    expect(kit.uploads.get(id)).toMatchObject({
      state: 'paused',
      reason: { message: 'it was asked to pause' },
    });
    await kit.stop();
    await kit.start();
    expect(kit.uploads.get(id).state).toBe('paused');
    await kit.uploads.resume(id);
    await kit.until(id, isSending);
    await kit.uploads.cancel(id);
    expect(kit.uploads.get(id)).toMatchObject({ state: 'cancelled', items: [{ state: 'cancelled' }] });
    await expect(kit.uploads.resume(id)).rejects.toMatchObject({ code: 'UPLOAD_ENDED' });
    await expect(kit.uploads.cancel('upl_0')).rejects.toMatchObject({ code: 'UPLOAD_UNKNOWN' });
    // Asked for again, it goes on where it was cancelled.
    const again = await kit.upload([path]);
    expect(again).toMatchObject({ state: 'done' });
    expect(again.items[0]!.resumedBytes).toBeGreaterThan(0);
  });

  it('reads and writes beyond 4 GiB', async () => {
    await using kit = await DeliverKit.create();
    const far = 4 * 1024 * MIB + 12_345;
    const bytes = sampleBytes(600_000);
    // Sparse on both sides, and read back from where it differs: the rest takes no time.
    const path = await kit.file('a.bin', Buffer.alloc(0));
    const file = await open(path, 'r+');
    await file.write(bytes, 0, bytes.length, far);
    await file.close();
    expect(await farReadBack(kit, path, { from: far, bytes })).toEqual({
      sentBytes: bytes.length,
      isEqual: true,
    });
  });
});

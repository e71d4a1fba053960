import { describe, expect, it } from 'vitest';
import { FaultyDisk } from './support/faulty-disk.js';
import { messageOf, RawClient, statusOf } from './support/raw-client.js';
import { contentOf, never, sampleBytes, sha256, SftpKit, sourceOf } from './support/sftp-kit.js';

const FAILURE = 4;

describe('a disk that fails under an upload', () => {
  it('when full: says so to both sides, keeps what is sound, and takes the rest once there is room', async () => {
    const disk = new FaultyDisk();
    await using kit = await SftpKit.create({ disk });
    const bytes = sampleBytes(3_000_000);
    const file = kit.ticket('clip', bytes.length);
    disk.before = (operation, offset) => (operation === 'write' && offset > 1_000_000 ? 'ENOSPC' : undefined);
    const request = {
      path: 'clip',
      sizeBytes: bytes.length,
      offset: 0,
      read: sourceOf(bytes),
      signal: never(),
    };
    const uploader = kit.uploader();
    await expect(uploader.upload(request)).rejects.toMatchObject({
      code: 'UPLOAD_REMOTE_FAILED',
      kind: 'unavailable',
      message: expect.stringContaining('the disk is full (ENOSPC)') as string,
    });
    expect(kit.failed.map((error) => error.code)).toEqual(['STORAGE_WRITE_FAILED']);
    // The half of the failed write that reached the disk is gone again.
    await expect.poll(async () => (await contentOf(file)).length % 31_744).toBe(0);
    const kept = (await contentOf(file)).length;
    expect(kept).toBeGreaterThan(900_000);
    expect(bytes.subarray(0, kept).equals(await contentOf(file))).toBe(true);
    disk.before = () => undefined;
    kit.ticket('clip', bytes.length, kept);
    const { sentBytes } = await uploader.upload({ ...request, offset: kept });
    expect(sentBytes).toBe(bytes.length - kept);
    expect(kit.closed.map((upload) => upload.sha256)).toEqual([sha256(bytes)]);
  });

  it('never shows a path of central’s to the client', async () => {
    const disk = new FaultyDisk();
    await using kit = await SftpKit.create({ disk });
    kit.ticket('clip', 10);
    await using raw = await RawClient.connect(kit);
    const handle = await raw.open('clip');
    disk.before = () => 'EIO';
    const message = await messageOf(raw.write(handle, Buffer.alloc(5), 0));
    expect(message).toBe('the server could not store the data: the disk failed (EIO)');
  });

  it('when a sync fails: that file is lost for good, and nobody is told that it is complete', async () => {
    const disk = new FaultyDisk();
    await using kit = await SftpKit.create({ disk });
    const file = kit.ticket('clip', 10);
    await using raw = await RawClient.connect(kit);
    const handle = await raw.open('clip');
    await raw.write(handle, Buffer.alloc(10), 0);
    disk.before = (operation) => (operation === 'sync' ? 'EIO' : undefined);
    expect(await statusOf(raw.close(handle))).toBe(FAILURE);
    disk.before = () => undefined;
    // A second sync would report success for pages that the kernel has dropped.
    expect(await messageOf(raw.open('clip'))).toContain('the disk failed (EIO)');
    expect(kit.closed).toEqual([]);
    expect(kit.server.digestOf(file)).toBeUndefined();
    expect(kit.failed).toHaveLength(1);
    // The owner throws it away and begins anew.
    await kit.server.release(file);
    await disk.remove(file);
    const again = await raw.open('clip');
    await raw.write(again, Buffer.alloc(10), 0);
    await raw.close(again);
    expect(kit.closed).toHaveLength(1);
  });

  it('when a write fails with an I/O error: the file is not trusted any more either', async () => {
    const disk = new FaultyDisk();
    await using kit = await SftpKit.create({ disk });
    kit.ticket('clip', 10);
    await using raw = await RawClient.connect(kit);
    const handle = await raw.open('clip');
    disk.before = (operation) => (operation === 'write' ? 'EIO' : undefined);
    expect(await statusOf(raw.write(handle, Buffer.alloc(5), 0))).toBe(FAILURE);
    disk.before = () => undefined;
    expect(await statusOf(raw.write(handle, Buffer.alloc(5), 0))).toBe(FAILURE);
    expect(await statusOf(raw.close(handle))).toBe(FAILURE);
    expect(await statusOf(raw.open('clip'))).toBe(FAILURE);
  });

  it('when it cannot even be opened: the next attempt may succeed', async () => {
    const disk = new FaultyDisk();
    await using kit = await SftpKit.create({ disk });
    kit.ticket('clip', 10);
    await using raw = await RawClient.connect(kit);
    const create = disk.create;
    disk.create = () => Promise.reject(Object.assign(new Error('EMFILE'), { code: 'EMFILE' }));
    expect(await statusOf(raw.open('clip'))).toBe(FAILURE);
    disk.create = create;
    expect(await statusOf(raw.open('clip'))).toBe(0);
  });

  it('when somebody else changes the file: only what the ticket vouches for is believed', async () => {
    const disk = new FaultyDisk();
    await using kit = await SftpKit.create({ disk });
    const bytes = sampleBytes(100_000);
    const file = kit.ticket('clip', bytes.length, 0);
    await using raw = await RawClient.connect(kit);
    const handle = await raw.open('clip');
    await raw.write(handle, bytes.subarray(0, 30_000), 0);
    await raw.close(handle);
    const other = await disk.open(file);
    await other.truncate(20_000);
    await other.close();
    expect((await raw.stat('clip')).size).toBe(0);
    const again = await raw.open('clip');
    for (let at = 0; at < bytes.length; at += 20_000)
      await raw.write(again, bytes.subarray(at, at + 20_000), at);
    await raw.close(again);
    expect(kit.closed.map((upload) => upload.sha256)).toEqual([sha256(bytes)]);
  });
});

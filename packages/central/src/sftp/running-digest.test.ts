import { createHash } from 'node:crypto';
import type { DiskFile } from '@gapless/shared/fs';
import { describe, expect, it } from 'vitest';
import { RunningDigest } from './running-digest.js';

const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, n) => (n * 7) % 251));

function sha256(length: number): string {
  return createHash('sha256').update(bytes.subarray(0, length)).digest('hex');
}

/** A file that reads as `bytes` and counts how much of it was read. */
function file(): { disk: DiskFile; read: { count: number } } {
  const read = { count: 0 };
  const unused = (): Promise<never> => Promise.reject(new Error('unused'));
  const disk: DiskFile = {
    read: async (into, offset) => {
      const part = bytes.subarray(offset, offset + into.length);
      into.set(part);
      read.count += part.length;
      return part.length;
    },
    write: unused,
    sync: unused,
    truncate: unused,
    sizeBytes: unused,
    close: unused,
  };
  return { disk, read };
}

describe('RunningDigest', () => {
  it('hashes what arrives in order without reading it again', async () => {
    const digest = new RunningDigest();
    const { disk, read } = file();
    digest.append(bytes.subarray(0, 1000), 0);
    digest.append(bytes.subarray(1000, 5000), 1000);
    await digest.catchUp(disk, () => 5000);
    expect(digest.digest()).toBe(sha256(5000));
    expect(read.count).toBe(0);
  });

  it('catches up on a prefix from disk while the file grows', async () => {
    const digest = new RunningDigest();
    const { disk, read } = file();
    let mark = 2_000_000;
    const caughtUp = digest.catchUp(disk, () => mark);
    digest.append(bytes.subarray(2_000_000, 2_100_000), 2_000_000);
    mark = 2_100_000;
    await caughtUp;
    expect(digest.digest()).toBe(sha256(2_100_000));
    digest.append(bytes.subarray(2_100_000, 2_200_000), 2_100_000);
    expect(digest.digest()).toBe(sha256(2_200_000));
    expect(read.count).toBe(2_100_000);
  });

  it('begins anew when what it hashed is cut off, and not when only more is', async () => {
    const digest = new RunningDigest();
    const { disk } = file();
    digest.append(bytes.subarray(0, 5000), 0);
    digest.rewind(5000);
    expect(digest.hashedBytes).toBe(5000);
    digest.rewind(4999);
    expect(digest.hashedBytes).toBe(0);
    await digest.catchUp(disk, () => 4999);
    expect(digest.digest()).toBe(sha256(4999));
  });

  it('can be halted in the middle', async () => {
    const digest = new RunningDigest();
    const { disk } = file();
    const caughtUp = digest.catchUp(disk, () => bytes.length);
    await digest.halt();
    await caughtUp;
    expect(digest.hashedBytes).toBeLessThan(bytes.length);
    await digest.catchUp(disk, () => bytes.length);
    expect(digest.digest()).toBe(sha256(bytes.length));
  });

  it('stops where a file ends before its mark', async () => {
    const digest = new RunningDigest();
    const { disk } = file();
    await digest.catchUp(disk, () => bytes.length + 1);
    expect(digest.hashedBytes).toBe(bytes.length);
  });
});

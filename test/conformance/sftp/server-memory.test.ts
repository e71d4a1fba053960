import { describe, expect, it } from 'vitest';
import { FaultyDisk } from './support/faulty-disk.js';
import { RawClient } from './support/raw-client.js';
import { contentOf, sampleBytes, SftpKit } from './support/sftp-kit.js';

const MIB = 1024 * 1024;
const PIECE = 31_744;

describe('a client that sends faster than the disk writes', () => {
  it('is held back: 100 MB pipelined at once never fill central’s memory', async () => {
    const disk = new FaultyDisk();
    await using kit = await SftpKit.create({ disk });
    const bytes = sampleBytes(4 * MIB);
    const rounds = 25;
    const file = kit.ticket('clip', rounds * bytes.length);
    await using raw = await RawClient.connect(kit);
    const handle = await raw.open('clip');
    let highestHeld = 0;
    let writes = 0;
    disk.before = async (operation) => {
      if (operation !== 'write') return undefined;
      writes++;
      // The disk lets everything come in that will come before it goes on.
      for (let turn = 0; turn < 20; turn++) {
        await new Promise((resolve) => setImmediate(resolve));
        highestHeld = Math.max(highestHeld, kit.server.heldBytes);
      }
      return undefined;
    };
    const answers: Promise<void>[] = [];
    for (let round = 0; round < rounds; round++)
      for (let at = 0; at < bytes.length; at += PIECE)
        answers.push(raw.write(handle, bytes.subarray(at, at + PIECE), round * bytes.length + at));
    await Promise.all(answers);
    await raw.close(handle);
    expect(disk.bytesWritten).toBe(rounds * bytes.length);
    expect(kit.closed).toHaveLength(1);
    expect(bytes.equals((await contentOf(file)).subarray(-bytes.length))).toBe(true);
    // 4 MiB, and what was on its way through the parser when the socket was stopped.
    expect(highestHeld).toBeGreaterThan(3 * MIB);
    expect(highestHeld).toBeLessThan(5 * MIB);
    // Small writes went to disk together.
    expect(writes).toBeLessThan(answers.length / 4);
    expect(kit.server.heldBytes).toBe(0);
  });

  it('leaves the others their share when all together are too many', async () => {
    const disk = new FaultyDisk();
    await using kit = await SftpKit.create({
      disk,
      pressure: { sessionBytes: 4 * MIB, totalBytes: 4 * MIB, shareBytes: 256 * 1024 },
      sessionsPerVehicle: 100,
    });
    let release = (): void => undefined;
    const held = new Promise<undefined>((resolve) => (release = () => resolve(undefined)));
    disk.before = (operation) => (operation === 'write' ? held : undefined);
    const clients = await Promise.all(Array.from({ length: 12 }, () => RawClient.connect(kit)));
    const piece = Buffer.alloc(PIECE, 1);
    const pending = clients.map(async (raw, index) => {
      const path = `clip${index}`;
      kit.ticket(path, 64 * PIECE);
      const handle = await raw.open(path);
      await Promise.all(Array.from({ length: 64 }, (_, n) => raw.write(handle, piece, n * PIECE)));
      await raw.close(handle);
    });
    await expect.poll(() => kit.server.heldBytes, { interval: 20 }).toBeGreaterThan(4 * MIB);
    // Everything that can come in has: the figure stands still.
    let before = -1;
    await expect
      .poll(
        () => {
          const still = kit.server.heldBytes === before;
          before = kit.server.heldBytes;
          return still;
        },
        { interval: 100 },
      )
      .toBe(true);
    expect(kit.server.heldBytes).toBeLessThan(4 * MIB + 12 * 512 * 1024);
    release();
    await Promise.all(pending);
    expect(kit.closed).toHaveLength(12);
    await Promise.all(clients.map((raw) => raw[Symbol.asyncDispose]()));
  });

  it('cannot make central hoard replies that it does not read', async () => {
    await using kit = await SftpKit.create();
    await using raw = await RawClient.connect(kit);
    const { outgoing, _protocol } = raw.sftp as unknown as {
      outgoing: { id: number };
      _protocol: { channelData(id: number, data: Buffer): void; channelWindowAdjust: () => void };
    };
    // The client never opens its window again.
    _protocol.channelWindowAdjust = () => undefined;
    const closed = new Promise<void>((resolve) => raw.socket.on('close', () => resolve()));
    const request = Buffer.from([0, 0, 0, 10, 16, 0, 0, 0, 1, 0, 0, 0, 1, 0x2e]);
    const burst = Buffer.concat(Array.from({ length: 2000 }, () => request));
    while (!raw.socket.closed) {
      _protocol.channelData(outgoing.id, burst);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
  });
});

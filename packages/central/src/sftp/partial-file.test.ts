import { createHash } from 'node:crypto';
import { AppError } from '@gapless/shared/errors';
import type { Disk, DiskFile } from '@gapless/shared/fs';
import { diskError } from '@gapless/shared/fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Writer } from './partial-file.js';
import { PartialFile } from './partial-file.js';

const FILE = '/data/clip.part';
const SIZE = 300;

/** A disk in memory; a write that is told to fail leaves half of itself behind. */
class MemoryDisk implements Disk {
  content: Buffer | undefined;
  failNext: { operation: string; errno: string } | undefined;

  create = async (path: string): Promise<DiskFile> => {
    this.content ??= Buffer.alloc(0);
    return this.open(path);
  };

  open = async (path: string): Promise<DiskFile> => {
    const fail = async (operation: string): Promise<void> => {
      // Nothing on a disk happens at once.
      await new Promise((resolve) => setImmediate(resolve));
      if (this.failNext?.operation !== operation) return;
      const { errno } = this.failNext;
      this.failNext = undefined;
      throw diskError(operation, path, Object.assign(new Error(errno), { code: errno }));
    };
    const put = (bytes: Uint8Array, offset: number): void => {
      const old = this.content ?? Buffer.alloc(0);
      const grown = Buffer.alloc(Math.max(old.length, offset + bytes.length));
      old.copy(grown);
      grown.set(bytes, offset);
      this.content = grown;
    };
    return {
      write: async (bytes, offset) => {
        try {
          await fail('write');
        } catch (thrown) {
          put(bytes.subarray(0, bytes.length >> 1), offset);
          throw thrown;
        }
        put(bytes, offset);
      },
      read: async (into, offset) => {
        await fail('read');
        return this.content?.copy(into, 0, offset, offset + into.length) ?? 0;
      },
      sync: () => fail('sync'),
      truncate: async (length) => {
        await fail('truncate');
        const cut = Buffer.alloc(length);
        this.content?.copy(cut, 0, 0, length);
        this.content = cut;
      },
      sizeBytes: async () => this.content?.length ?? 0,
      close: () => fail('close'),
    };
  };

  rename = async (): Promise<void> => undefined;
  remove = async (): Promise<void> => undefined;
  syncDirectory = async (): Promise<void> => undefined;
  sizeBytes = async (): Promise<number | undefined> => this.content?.length;
}

function writer(): Writer {
  return { user: 'bus-042', path: 'clip', file: FILE };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function write(partial: PartialFile, by: Writer, offset: number, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve) =>
    partial.write({ writer: by, offset, bytes, done: (error) => resolve(error?.code ?? 'ok') }),
  );
}

type Step =
  | { kind: 'open'; truncate: boolean }
  | { kind: 'write'; from: number; length: number; old: boolean }
  | { kind: 'close' | 'abandon' | 'shrink' | 'sync' }
  | { kind: 'fail'; operation: string; errno: string };

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('open' as const), truncate: fc.boolean() }) },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      // Mostly where it should, sometimes before, sometimes beyond.
      from: fc.oneof(
        { weight: 6, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: -60, max: 20 }) },
      ),
      // Often all that is missing, so that files do get complete.
      length: fc.oneof(fc.integer({ min: 0, max: 200 }), fc.constant(Number.POSITIVE_INFINITY)),
      old: fc.oneof(
        { weight: 9, arbitrary: fc.constant(false) },
        { weight: 1, arbitrary: fc.constant(true) },
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('close' as const, 'abandon' as const, 'shrink' as const, 'sync' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('fail' as const),
      operation: fc.constantFrom('write', 'truncate', 'read', 'close'),
      errno: fc.constantFrom('ENOSPC', 'EIO'),
    }),
  },
);

describe('PartialFile', () => {
  it('whatever is asked of it and fails: holds exactly what was acknowledged in order, and its hash is true', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 60 }), async (list) => {
        const disk = new MemoryDisk();
        const partial = new PartialFile(disk, FILE, {});
        const target = { file: FILE, sizeBytes: SIZE, offset: 0 };
        /** What must be in the file, by everything that was answered so far. */
        let model = Buffer.alloc(0);
        let current: Writer | undefined;
        let older: Writer | undefined;
        let fill = 1;
        for (const step of list) {
          if (step.kind === 'fail') {
            disk.failNext = step;
          } else if (step.kind === 'open') {
            const next = writer();
            older = current;
            const opened = await partial.open(next, target, step.truncate).then(
              () => true,
              () => false,
            );
            current = opened ? next : undefined;
            if (!opened) continue;
            const markBytes = await partial.markBehind(next);
            // An opening never invents bytes: it keeps a prefix of what was acknowledged.
            expect(markBytes).toBeLessThanOrEqual(model.length);
            model = model.subarray(0, markBytes);
          } else if (step.kind === 'write') {
            const by = step.old ? older : current;
            if (!by) continue;
            const offset = model.length + step.from;
            const bytes = Buffer.alloc(Math.min(step.length, Math.max(0, SIZE - offset)), fill++ % 256);
            const fate = await write(partial, by, offset, bytes);
            if (fate !== 'ok') continue;
            expect(by).toBe(current);
            expect(offset).toBeLessThanOrEqual(model.length);
            expect(offset + bytes.length).toBeLessThanOrEqual(SIZE);
            model = Buffer.concat([model.subarray(0, offset), bytes]);
          } else if (current) {
            const by = current;
            if (step.kind === 'shrink') {
              const length = model.length >> 1;
              const cut = await partial.shrink(by, length).then(
                () => true,
                () => false,
              );
              if (cut) model = model.subarray(0, length);
            } else if (step.kind === 'close') {
              current = undefined;
              const closed = await partial.close(by).catch((thrown: unknown) => {
                expect(thrown).toBeInstanceOf(AppError);
              });
              if (!closed) continue;
              expect(disk.content).toEqual(model);
              expect(closed).toMatchObject({ sizeBytes: SIZE, sha256: sha256(model) });
            } else if (step.kind === 'abandon') {
              current = undefined;
              await partial.abandon(by);
            } else {
              await partial.sync(by).catch(() => undefined);
            }
          }
        }
        await partial.dispose();
        expect(partial.isIdle).toBe(true);
        // What was acknowledged is there, unless a failed disk or a later opening took it back.
        const held = (await partial.markBytes(target)) ?? 0;
        expect(disk.content?.subarray(0, held) ?? Buffer.alloc(0)).toEqual(model.subarray(0, held));
      }),
      { numRuns: 400 },
    );
  }, 60_000);

  it('merges what is pipelined and hashes it right, from any offset', async () => {
    for (const offset of [0, 1, 150, 299]) {
      const disk = new MemoryDisk();
      const bytes = Buffer.from(Array.from({ length: SIZE }, (_, n) => n % 251));
      disk.content = Buffer.concat([bytes.subarray(0, offset), Buffer.alloc(300, 9)]);
      const partial = new PartialFile(disk, FILE, {});
      const by = writer();
      await partial.open(by, { file: FILE, sizeBytes: SIZE, offset }, false);
      expect(disk.content.length).toBe(offset);
      const answers = [];
      for (let at = offset; at < SIZE; at += 7)
        answers.push(write(partial, by, at, bytes.subarray(at, at + 7)));
      const closed = partial.close(by);
      expect(new Set(await Promise.all(answers))).toEqual(new Set(['ok']));
      expect(await closed).toMatchObject({ sha256: sha256(bytes) });
      expect(disk.content).toEqual(bytes);
    }
  });

  it('lets a new writer in that announces itself while the old one is being closed', async () => {
    const disk = new MemoryDisk();
    const partial = new PartialFile(disk, FILE, {});
    const [older, newer] = [writer(), writer()];
    const target = { file: FILE, sizeBytes: SIZE, offset: 0 };
    await partial.open(older, target, false);
    await write(partial, older, 0, Buffer.alloc(SIZE, 1));
    const closing = partial.close(older);
    // The closing has begun: it waits for its sync.
    await Promise.resolve();
    const opening = partial.open(newer, target, false);
    expect(await closing).toMatchObject({ sizeBytes: SIZE });
    await opening;
    expect(await partial.markBehind(newer)).toBe(SIZE);
    expect(await write(partial, newer, 0, Buffer.alloc(10, 2))).toBe('ok');
    expect(disk.content?.length).toBe(10);
  });

  it('has a file cut back to its mark as soon as a write failed half-way', async () => {
    const disk = new MemoryDisk();
    const partial = new PartialFile(disk, FILE, {});
    const [older, newer] = [writer(), writer()];
    const target = { file: FILE, sizeBytes: SIZE, offset: 0 };
    await partial.open(older, target, false);
    await write(partial, older, 0, Buffer.alloc(100, 1));
    disk.failNext = { operation: 'write', errno: 'ENOSPC' };
    expect(await write(partial, older, 100, Buffer.alloc(100, 2))).toBe('STORAGE_WRITE_FAILED');
    expect(await write(partial, older, 100, Buffer.alloc(100, 2))).toBe('STORAGE_WRITE_FAILED');
    expect(disk.content?.length).toBe(100);
    await partial.open(newer, target, false);
    expect(await partial.markBehind(newer)).toBe(100);
    // What was hashed of the write that failed must not count for the one that takes its place.
    await write(partial, newer, 100, Buffer.alloc(100, 3));
    await write(partial, newer, 200, Buffer.alloc(100, 4));
    const whole = Buffer.concat([Buffer.alloc(100, 1), Buffer.alloc(100, 3), Buffer.alloc(100, 4)]);
    expect(await partial.close(newer)).toMatchObject({ sha256: sha256(whole) });
  });

  it('takes nothing more after an I/O error, from nobody', async () => {
    const disk = new MemoryDisk();
    const partial = new PartialFile(disk, FILE, {});
    const [older, newer] = [writer(), writer()];
    const target = { file: FILE, sizeBytes: SIZE, offset: 0 };
    await partial.open(older, target, false);
    disk.failNext = { operation: 'write', errno: 'EIO' };
    await write(partial, older, 0, Buffer.alloc(100, 1));
    await expect(partial.open(newer, target, false)).rejects.toMatchObject({ code: 'STORAGE_WRITE_FAILED' });
  });
});

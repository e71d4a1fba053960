import fc from 'fast-check';
import { AppError } from '@gapless/shared/errors';
import { describe, expect, it } from 'vitest';
import type { QueuedWrite } from './operation-queue.js';
import { OperationQueue } from './operation-queue.js';

const MIB = 1024 * 1024;

/** A queue whose batches are written down, and end when they are told to. */
function recorded(): {
  queue: OperationQueue<string>;
  batches: number[][];
  next: () => Promise<void>;
} {
  const batches: number[][] = [];
  const ends: (() => void)[] = [];
  const queue = new OperationQueue<string>(async (batch) => {
    batches.push(batch.map((write) => write.offset));
    await new Promise<void>((resolve) => ends.push(resolve));
    return { written: batch.length };
  });
  return {
    queue,
    batches,
    next: async () => {
      ends.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

function write(offset: number, length: number, writer = 'a'): QueuedWrite<string> {
  return { writer, offset, bytes: new Uint8Array(length), done: () => undefined };
}

describe('OperationQueue', () => {
  it('has one write in flight and merges what piles up behind it', async () => {
    const { queue, batches, next } = recorded();
    for (const offset of [0, 10, 20, 30]) queue.write(write(offset, 10));
    expect(batches).toEqual([[0]]);
    await next();
    expect(batches).toEqual([[0], [10, 20, 30]]);
  });

  it('merges neither over a hole, nor over writers, nor over a task, nor beyond a MiB', async () => {
    const { queue, batches, next } = recorded();
    queue.write(write(0, 10));
    queue.write(write(10, 10));
    queue.write(write(25, 5));
    queue.write(write(30, 5, 'b'));
    void queue.run(async () => void batches.push([-1]));
    queue.write(write(35, MIB, 'b'));
    queue.write(write(35 + MIB, 1, 'b'));
    for (let turn = 0; turn < 6; turn++) await next();
    expect(batches).toEqual([[0], [10], [25], [30], [-1], [35], [35 + MIB]]);
    await next();
    expect(queue.isIdle).toBe(true);
  });

  it('tells each write of its own fate', async () => {
    const error = new AppError('SFTP_OUT_OF_ORDER', 'x');
    const queue = new OperationQueue<string>(async () => ({ written: 1, error }));
    const fates: unknown[] = [];
    await new Promise<void>((resolve) => {
      queue.write({ ...write(0, 1), done: (fate) => fates.push(fate) });
      queue.write({ ...write(1, 1), done: (fate) => fates.push(fate) });
      queue.write({
        ...write(2, 1),
        done: (fate) => {
          fates.push(fate);
          resolve();
        },
      });
    });
    expect(fates).toEqual([undefined, undefined, error]);
  });

  it('goes on after a task that failed, and is idle when the last has ended', async () => {
    const { queue } = recorded();
    await expect(queue.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await queue.run(async () => 7)).toBe(7);
    expect(queue.isIdle).toBe(true);
  });

  it('keeps every order it is given', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 300 }), async (kinds) => {
        const seen: number[] = [];
        const queue = new OperationQueue<string>(async (batch) => {
          await Promise.resolve();
          for (const { offset } of batch) seen.push(offset);
          return { written: batch.length };
        });
        await Promise.all(
          kinds.map((isTask, n) =>
            isTask
              ? queue.run(async () => void seen.push(n))
              : new Promise<void>((resolve) => queue.write({ ...write(n, 1), done: () => resolve() })),
          ),
        );
        expect(seen).toEqual(kinds.map((_, n) => n));
      }),
      { numRuns: 50 },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from './byte-reader.js';

async function* chunks(list: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of list) yield chunk;
}

/** The same, but every chunk overwrites the one before. */
async function* inOneMemory(list: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  const memory = new Uint8Array(50);
  for (const chunk of list) {
    memory.fill(0xff).set(chunk);
    yield memory.subarray(0, chunk.length);
  }
}

describe('ByteReader', () => {
  it('gives the same bytes in whatever pieces are asked for', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 100 }),
        async (list, sizes) => {
          const whole = Buffer.concat(list);
          const reader = new ByteReader(inOneMemory(list));
          const taken: Uint8Array[] = [];
          let at = 0;
          for (const size of sizes) {
            const part = reader.takeReady(size) ?? (await reader.take(size));
            expect(part.length).toBe(Math.min(size, whole.length - at));
            at += part.length;
            taken.push(new Uint8Array(part));
          }
          expect(Buffer.concat(taken)).toEqual(whole.subarray(0, at));
        },
      ),
    );
  });

  it('copies nothing within a chunk', async () => {
    const chunk = new Uint8Array(100);
    const reader = new ByteReader(chunks([chunk]));
    expect((await reader.take(30)).buffer).toBe(chunk.buffer);
    expect(reader.takeReady(30)?.buffer).toBe(chunk.buffer);
    expect(reader.takeReady(41)).toBeUndefined();
  });

  it('lets the source go when it is closed early', async () => {
    let isClosed = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield new Uint8Array(10);
      } finally {
        isClosed = true;
      }
    }
    const reader = new ByteReader(source());
    await reader.take(5);
    await reader.close();
    expect(isClosed).toBe(true);
  });
});

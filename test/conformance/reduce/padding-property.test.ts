import { strict as assert } from 'node:assert';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { boxOf, u32, u64 } from './support/box-tree.js';
import type { Insertion } from './support/padded.js';
import { gapsOf, padded } from './support/padded.js';
import { packetLines, reducedBytes } from './support/reduced.js';
import type { Layout } from './support/sources.js';
import { laidOutBytes, layouts } from './support/sources.js';

const RUNS = 60;

/** A box that nobody reads: of any of its types, of any length, with anything in it, with a short or a long header. */
const padding = fc
  .record({
    type: fc.constantFrom('free', 'skip', 'wide'),
    content: fc.oneof(
      fc.nat(3000).map((length) => new Uint8Array(length)),
      fc.uint8Array({ maxLength: 200 }),
    ),
    wide: fc.boolean(),
  })
  .map(({ type, content, wide }) =>
    wide
      ? Buffer.concat([u32(1), Buffer.from(type), u64(16 + content.length), content])
      : boxOf(type, content),
  );

function insertionsInto(gaps: readonly number[]): fc.Arbitrary<Insertion[]> {
  return fc.array(fc.record({ at: fc.constantFrom(...gaps), bytes: padding }), {
    minLength: 1,
    maxLength: 8,
  });
}

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gapless-reduce-'));
});
afterAll(() => rm(dir, { recursive: true }));

describe('padding anywhere', () => {
  test.each(Object.keys(layouts) as Layout[])('comes out of %s again, to the byte', async (layout) => {
    const original = await reducedBytes(await laidOutBytes(layout));
    const gaps = gapsOf(original);
    assert.ok(gaps.length > 20);
    await fc.assert(
      fc.asyncProperty(insertionsInto(gaps), async (insertions) => {
        const reduced = await reducedBytes(padded(original, insertions));
        assert.ok(reduced.equals(original));
      }),
      { numRuns: RUNS },
    );
  });

  it('does not change what ffmpeg demuxes, as long as the offsets are right', async () => {
    for (const layout of Object.keys(layouts) as Layout[]) {
      const original = await reducedBytes(await laidOutBytes(layout));
      const everywhere = gapsOf(original).map((at) => ({
        at,
        bytes: boxOf('free', new Uint8Array(at % 50)),
      }));
      const [before, after] = [join(dir, `${layout}-1.mp4`), join(dir, `${layout}-2.mp4`)];
      await writeFile(before, original);
      await writeFile(after, padded(original, everywhere));
      expect(await packetLines(after), layout).toEqual(await packetLines(before));
    }
  });
});

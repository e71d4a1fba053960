import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { AppError } from '@gapless/shared/errors';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seededRandom } from '../../support/seeded-random.js';
import { damaged } from './support/damage.js';
import { packetLines, reducedBytes } from './support/reduced.js';
import type { Layout } from './support/sources.js';
import { laidOutBytes } from './support/sources.js';

/** Damaged files of each layout; GAPLESS_FUZZ_RUNS asks for more, GAPLESS_FUZZ_SEED for others. */
const RUNS = Number(process.env['GAPLESS_FUZZ_RUNS'] ?? 40);
const SEED = Number(process.env['GAPLESS_FUZZ_SEED'] ?? 1);
/** Two runs of ffmpeg for each file that is not refused. */
const TIMEOUT_MS = 60_000 + RUNS * 2_000;
const LAYOUTS: readonly Layout[] = ['plain', 'faststart', 'absoluteOffsets', 'indexed', 'encryptedFragments'];

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gapless-reduce-'));
});
afterAll(() => rm(dir, { recursive: true }));

describe('a damaged file', () => {
  test.each(LAYOUTS)(
    '%s, is refused, or what ffmpeg demuxes of it stays the same',
    async (layout) => {
      const original = await reducedBytes(await laidOutBytes(layout));
      const counts = { refused: 0, same: 0, reduced: 0, undecided: 0 };
      for (let run = 0; run < RUNS; run++) {
        const file = damaged(original, seededRandom(SEED * 1_000_003 + run));
        counts[await outcome(file, `${layout}, seed ${SEED}, run ${run}`)]++;
      }
      process.stderr.write(`${layout}: ${JSON.stringify(counts)}\n`);
      expect(counts.refused).toBeGreaterThan(0);
      expect(counts.reduced).toBeGreaterThan(0);
      expect(counts.undecided).toBeLessThanOrEqual(1 + RUNS / 50);
    },
    TIMEOUT_MS,
  );
});

type Outcome = 'refused' | 'same' | 'reduced' | 'undecided';

async function outcome(file: Buffer, name: string): Promise<Outcome> {
  const after = await reducedBytes(file).catch((thrown: unknown) => {
    if (thrown instanceof AppError && thrown.code === 'REDUCE_REFUSED') return undefined;
    throw thrown;
  });
  if (!after) return 'refused';
  if (after.equals(file)) return 'same';
  expect(await reducedBytes(after), name).toEqual(after);
  const paths = [join(dir, 'before.mp4'), join(dir, 'after.mp4')] as const;
  await writeFile(paths[0], file);
  await writeFile(paths[1], after);
  const lines = [await packetLines(paths[0]), await packetLines(paths[1])] as const;
  if (isDeepStrictEqual(...lines)) return 'reduced';
  // Of some damaged files ffmpeg tells what happened to be in its memory, another thing each time.
  const [before, again] = [await tellings(paths[0]), await tellings(paths[1])];
  if ([...before].some((telling) => again.has(telling))) return 'reduced';
  if (before.size > 1 || again.size > 1) return 'undecided';
  throw new Error(`ffmpeg demuxes another thing than before: ${name}`);
}

async function tellings(path: string): Promise<Set<string>> {
  const told = new Set<string>();
  for (let i = 0; i < 5; i++) told.add((await packetLines(path)).join('\n'));
  return told;
}

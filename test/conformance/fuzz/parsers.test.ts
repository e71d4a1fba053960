import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '@gapless/shared/errors';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../support/seeded-random.js';
import { mediaTargets } from './support/media-targets.js';
import { mutated } from './support/mutate.js';
import type { FuzzTarget } from './support/target.js';
import { textTargets } from './support/text-targets.js';

/** Damaged inputs of each parser; GAPLESS_FUZZ_RUNS asks for more, GAPLESS_FUZZ_SEED for others. */
const RUNS = Number(process.env['GAPLESS_FUZZ_RUNS'] ?? 400);
const SEED = Number(process.env['GAPLESS_FUZZ_SEED'] ?? 1);
const TIMEOUT_MS = 60_000 + RUNS * 100;

/** No input may keep a daemon from its work for longer, on however busy a machine. */
const MAX_MS = 10_000;

describe('a parser of foreign bytes reads them or refuses them in words', () => {
  test.each([...mediaTargets, ...textTargets])(
    '$name',
    async (target) => {
      const seeds = await target.seeds();
      // A target that refuses what is sound would find nothing.
      for (const seed of seeds) expect(await outcome(target, seed)).toBe('read');
      const counts = { read: 0, refused: 0 };
      for (let run = 0; run < RUNS; run++) {
        const input = mutated(seeds[run % seeds.length]!, seededRandom(SEED * 1_000_003 + run));
        try {
          counts[await outcome(target, input)]++;
        } catch (thrown) {
          const path = join(tmpdir(), `gapless-fuzz-${SEED}-${run}`);
          await writeFile(path, input);
          throw new Error(`run ${run} of seed ${SEED}; the input is in ${path}`, { cause: thrown });
        }
      }
      process.stderr.write(`${target.name}: ${JSON.stringify(counts)}\n`);
      expect(counts.read + counts.refused).toBe(RUNS);
    },
    TIMEOUT_MS,
  );
});

async function outcome(target: FuzzTarget, input: Uint8Array): Promise<'read' | 'refused'> {
  const startedMs = performance.now();
  const refusal = await refusalOf(target, input);
  const tookMs = performance.now() - startedMs;
  if (tookMs > MAX_MS) throw new Error(`it took ${Math.round(tookMs)} ms`);
  return refusal ? 'refused' : 'read';
}

async function refusalOf({ read, refusals }: FuzzTarget, input: Uint8Array): Promise<AppError | undefined> {
  try {
    await read(input);
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof AppError) || !refusals.includes(thrown.code)) throw thrown;
    if (thrown.message === '') throw new Error(`${thrown.code} says nothing`, { cause: thrown });
    return thrown;
  }
}

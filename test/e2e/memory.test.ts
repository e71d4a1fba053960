import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MemoryCurve } from '@gapless/harness/memory-watch';
import { liveFast, transferMuch } from '@gapless/harness/memory-scenes';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ffmpeg = process.env['GAPLESS_FFMPEG'] ?? 'ffmpeg';

/** Far below what holding on to the footage would cost, far above what a garbage collector comes and goes by. */
const SLACK_MB = 60;

const growthMb = ({ earlyMb, lateMb }: MemoryCurve): number => lateMb - earlyMb;

/** The same at full length: npm run bench -- memory. */
describe('the memory of both daemons stays flat', () => {
  let dir: string;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'gapless-memory-'));
  });

  afterEach(async () => {
    await rm(dir, { recursive: true });
  });

  it('while a lens is recorded, streamed, proven and given up again', async () => {
    const scene = await liveFast({ dir, ffmpeg, speed: 20, minutes: 10 });
    expect(scene.verified).toBeGreaterThan(40);
    expect(growthMb(scene.agent)).toBeLessThan(SLACK_MB);
    expect(growthMb(scene.central)).toBeLessThan(SLACK_MB);
  });

  it('while 400 MB are sent', async () => {
    const scene = await transferMuch({ dir, ffmpeg, lenses: 4, megabytes: 100 });
    expect(scene.bytes).toBeGreaterThan(350e6);
    expect(growthMb(scene.agent)).toBeLessThan(SLACK_MB);
    expect(growthMb(scene.central)).toBeLessThan(SLACK_MB);
  });
});

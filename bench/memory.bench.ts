// Whether memory is flat: both daemons through an hour on clocks that run twenty times as fast as the world, and through
// a transfer of 2 GB. The e2e tests do the same on a smaller scale.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { MemoryScene } from '@gapless/harness/memory-scenes';
import { liveFast, transferMuch } from '@gapless/harness/memory-scenes';
import { FFMPEG } from './support/footage.js';
import type { Report, Row } from './support/report.js';
import { print } from './support/report.js';
import { inScratch } from './support/scratch.js';

const SPEED = 20;
const MINUTES = 60;
const LENSES = 20;
const MEGABYTES_EACH = 100;

/** What holding on to a thousandth of the footage would not exceed, and the comings and goings of a collector do not. */
const FLAT_MB = 40;

function rowsOf(what: string, scene: MemoryScene): Row[] {
  return (['agent', 'central'] as const).map((side) => {
    const { earlyMb, lateMb, peakMb } = scene[side];
    return {
      measure: `${what}: growth of ${side}`,
      unit: 'MB',
      gapless: lateMb - earlyMb,
      aim: { atMost: FLAT_MB },
      note: `${earlyMb.toFixed(0)} MB in the second fifth, ${lateMb.toFixed(0)} MB in the last, ${peakMb.toFixed(0)} MB at most`,
    };
  });
}

async function measure(dir: string): Promise<Report> {
  const place = async (name: string): Promise<string> => {
    await mkdir(join(dir, name));
    return join(dir, name);
  };
  const hour = await liveFast({ dir: await place('hour'), ffmpeg: FFMPEG, speed: SPEED, minutes: MINUTES });
  const much = await transferMuch({
    ...{ dir: await place('much'), ffmpeg: FFMPEG, lenses: LENSES, megabytes: MEGABYTES_EACH },
  });
  return {
    setting: `${MINUTES} minutes at ${SPEED} times the speed: recorded, streamed, ${hour.verified} segments proven, the oldest given up on both sides. Then ${(much.bytes / 1e9).toFixed(2)} GB asked for by hand.`,
    rows: [...rowsOf('an hour', hour), ...rowsOf('a transfer', much)],
  };
}

print('memory', await inScratch(measure));

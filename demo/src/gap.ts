import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CentralClient } from '@gapless/harness/central-client';
import type { Range } from '@gapless/shared/interval';
import { overlaps, RangeSet } from '@gapless/shared/interval';
import { scanSegment, wallMs } from '@gapless/shared/isobmff';
import type { EpochMs } from '@gapless/shared/time';
import type { SceneVehicle } from './scene.js';
import type { Snapshot } from './timeline.js';
import { isCompleted, runsOf } from './timeline.js';

/** The stretches of a lens that the tunnel kept from coming live, and that were completed afterwards. */
export function healedRanges(snapshot: Snapshot, path: string, tunnel: Range): RangeSet {
  const completed = RangeSet.from(runsOf(snapshot, path).filter(isCompleted));
  // What was under way when the link was cut is missing, too, and what the vehicle recorded before it had noticed that
  // the link was back: a stretch counts as a whole.
  return RangeSet.from([...completed].filter((range) => overlaps(range, tunnel)));
}

/** What a vehicle recorded of a lens in some ranges. */
export interface Recorded {
  readonly fragments: number;
  readonly bytes: number;
}

/** Adds up the fragments of some ranges as they stand in the vehicle's own files: what had to travel. */
export async function recordedIn(vehicle: SceneVehicle, lens: string, ranges: RangeSet): Promise<Recorded> {
  const directory = join(vehicle.place.recordingsDir, lens);
  const names = await readdir(directory, { recursive: true });
  let fragments = 0;
  let bytes = 0;
  for (const name of names.filter((one) => one.endsWith('.mp4'))) {
    for (const { middleMs, sizeBytes } of await fragmentsOf(join(directory, name))) {
      if (!ranges.has(middleMs)) continue;
      fragments++;
      bytes += sizeBytes;
    }
  }
  return { fragments, bytes };
}

async function fragmentsOf(path: string): Promise<{ middleMs: EpochMs; sizeBytes: number }[]> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const layout = await scanSegment({
      sizeBytes: size,
      read: async (offset, length) => {
        const into = new Uint8Array(length);
        const { bytesRead } = await file.read(into, 0, length, offset);
        return into.subarray(0, bytesRead);
      },
    });
    const { identity, fragments } = layout;
    return fragments.map(({ startTicks, durationTicks, sizeBytes }) => ({
      middleMs: wallMs(identity!, startTicks + durationTicks / 2),
      sizeBytes,
    }));
  } finally {
    await file.close();
  }
}

/** What central says that it took in to complete lenses of `vehicle`, in bytes of artifacts. */
export async function completedBytes(client: CentralClient, vehicle: string): Promise<number> {
  const { items } = await client.json<{ items: { lens: string; sentBytes: number }[] }>(
    '/api/v1/completions?limit=500',
  );
  return items
    .filter(({ lens }) => lens.startsWith(`${vehicle}/`))
    .reduce((sum, { sentBytes }) => sum + sentBytes, 0);
}

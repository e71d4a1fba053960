// What recording writes to flash memory besides the footage: the agent with six lenses of 4 Mbit/s whose footage comes to
// central live and is receipted, with its index written at once and with its index in memory. The kernel counts, for each
// process, the bytes that it has made to be written; what the file system writes for itself is not among them.
import { mkdir, readdir, stat } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CentralClient } from '@gapless/harness/central-client';
import { configureVehicle, enrol, startCentral, startVehicle } from '@gapless/harness/fleet';
import { FFMPEG, makeClip } from './support/footage.js';
import type { Report } from './support/report.js';
import { print } from './support/report.js';
import { inScratch } from './support/scratch.js';

const LENSES = 6;
const MEGABITS_PER_SEC = 4;
const WARM_UP_MS = 15_000;
/** Whole snapshots. */
const MEASURED_MS = 120_000;

interface Written {
  /** Bytes that the agent has made to be written, over the bytes of footage, less one. */
  readonly overhead: number;
  readonly recordedMb: number;
}

async function writtenBy(dir: string, mode: 'disk' | 'memory'): Promise<Written> {
  const place = join(dir, mode);
  await mkdir(place);
  const central = await startCentral({ dir: place });
  await using _central = central.daemon;
  const centralUrl = central.url.replace('http', 'ws');
  const clip = join(dir, 'clip.mp4');
  const names = Array.from({ length: LENSES }, (_, index) => `lens-${index + 1}`);
  const configured = await configureVehicle({
    ...{ dir: place, name: 'bus-042', ffmpeg: FFMPEG, centralUrl, yaml: `index: { mode: ${mode} }` },
    lenses: Object.fromEntries(names.map((name) => [name, { input: `file:${clip}?loop`, live: 'push' }])),
  });
  await enrol(central, { name: 'bus-042', configPath: configured.configPath, centralUrl });
  const { daemon } = await startVehicle(configured);
  await using _agent = daemon;
  await new CentralClient(central.url, central.token).connected('bus-042');
  await sleep(WARM_UP_MS);
  const look = async (): Promise<{ written: number; recorded: number }> => ({
    written: writeBytes(daemon.pid),
    recorded: await bytesBelow(configured.recordingsDir),
  });
  const before = await look();
  await sleep(MEASURED_MS);
  const after = await look();
  const recorded = after.recorded - before.recorded;
  return { overhead: (after.written - before.written) / recorded - 1, recordedMb: recorded / 1e6 };
}

function writeBytes(pid: number): number {
  return Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))![1]);
}

async function bytesBelow(directory: string): Promise<number> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  let sum = 0;
  for (const entry of entries) {
    // One that is being moved is missed or counted twice; of many that is little.
    if (entry.name.endsWith('.mp4'))
      sum += (await stat(join(entry.parentPath, entry.name)).catch(() => undefined))?.size ?? 0;
  }
  return sum;
}

async function measure(dir: string): Promise<Report> {
  makeClip(join(dir, 'clip.mp4'), MEGABITS_PER_SEC);
  const disk = await writtenBy(dir, 'disk');
  const memory = await writtenBy(dir, 'memory');
  return {
    setting: `${LENSES} lenses of ${MEGABITS_PER_SEC} Mbit/s, streamed and receipted, for ${MEASURED_MS / 1000} s (${Math.round(disk.recordedMb)} MB of footage).`,
    rows: [
      { measure: 'written besides a GB of footage', unit: 'MB', gapless: 1_000 * disk.overhead },
      {
        ...{ measure: 'the same, with the index in memory', unit: 'MB', gapless: 1_000 * memory.overhead },
        beside: [{ name: 'with the index on the disk', value: 1_000 * disk.overhead }],
      },
    ],
  };
}

print('flash', await inScratch(measure));

// What recording costs the vehicle: our agent with six lenses of 4 Mbit/s, streaming live and not, beside six bare
// `ffmpeg -c copy -f segment`. ffmpeg reads the inputs for both; the agent's own process is what Gapless adds.
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CentralClient } from '@gapless/harness/central-client';
import { owned } from '@gapless/harness/children';
import { configureVehicle, enrol, startCentral, startVehicle } from '@gapless/harness/fleet';
import { FFMPEG, makeClip } from './support/footage.js';
import { childrenOf, cpuSeconds, residentMb } from '@gapless/harness/process-usage';
import type { Report } from './support/report.js';
import { print } from './support/report.js';
import { inScratch } from './support/scratch.js';

const LENSES = 6;
const MEGABITS_PER_SEC = 4;
const WARM_UP_MS = 10_000;
const MEASURED_MS = 30_000;

interface Usage {
  /** Per cent of one core. */
  readonly cpu: number;
  readonly memoryMb: number;
}

/** What some processes use together while they run on. */
async function usageOf(pids: readonly number[]): Promise<Usage> {
  const used = (): number => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const [beforeSec, beganMs] = [used(), performance.now()];
  await sleep(MEASURED_MS);
  return {
    cpu: (100_000 * (used() - beforeSec)) / (performance.now() - beganMs),
    memoryMb: pids.reduce((sum, pid) => sum + residentMb(pid), 0),
  };
}

async function ofAgent(dir: string, clip: string, live: 'push' | 'off'): Promise<{ own: Usage; all: Usage }> {
  const place = join(dir, live);
  await mkdir(place);
  const central = await startCentral({ dir: place });
  await using _central = central.daemon;
  const centralUrl = central.url.replace('http', 'ws');
  const lens = { input: `file:${clip}?loop`, live };
  const names = Array.from({ length: LENSES }, (_, index) => `lens-${index + 1}`);
  const settings = { dir: place, name: 'bus-042', ffmpeg: FFMPEG, centralUrl };
  const configured = await configureVehicle({
    ...settings,
    lenses: Object.fromEntries(names.map((name) => [name, lens])),
  });
  await enrol(central, { name: 'bus-042', configPath: configured.configPath, centralUrl });
  const { daemon } = await startVehicle(configured);
  await using _agent = daemon;
  await new CentralClient(central.url, central.token).connected('bus-042');
  await sleep(WARM_UP_MS);
  const children = childrenOf(daemon.pid);
  if (children.length !== LENSES) throw new Error(`${children.length} recorders run instead of ${LENSES}`);
  const [own, theirs] = await Promise.all([usageOf([daemon.pid]), usageOf(children)]);
  return { own, all: { cpu: own.cpu + theirs.cpu, memoryMb: own.memoryMb + theirs.memoryMb } };
}

async function ofFfmpeg(dir: string, clip: string): Promise<Usage> {
  const recorders: ChildProcess[] = [];
  for (let lens = 1; lens <= LENSES; lens++) {
    const input = ['-hide_banner', '-loglevel', 'error', '-nostdin', '-re', '-stream_loop', '-1', '-i', clip];
    const output = ['-c', 'copy', '-f', 'segment', '-segment_time', '10', join(dir, `bare-${lens}-%04d.mp4`)];
    recorders.push(owned(spawn(FFMPEG, [...input, ...output], { stdio: 'ignore' })));
  }
  try {
    await sleep(WARM_UP_MS);
    return await usageOf(recorders.map(({ pid }) => pid!));
  } finally {
    for (const recorder of recorders) recorder.kill();
  }
}

async function measure(dir: string): Promise<Report> {
  const clip = join(dir, 'clip.mp4');
  makeClip(clip, MEGABITS_PER_SEC);
  const quiet = await ofAgent(dir, clip, 'off');
  const live = await ofAgent(dir, clip, 'push');
  const bare = await ofFfmpeg(dir, clip);
  const ffmpeg = (value: number): { name: string; value: number }[] => [{ name: 'six bare ffmpeg', value }];
  return {
    setting: `${LENSES} lenses of ${MEGABITS_PER_SEC} Mbit/s for ${MEASURED_MS / 1000} s; CPU in per cent of one core.`,
    rows: [
      { measure: 'agent alone, recording', unit: '%', gapless: quiet.own.cpu, aim: { atMost: 5 } },
      { measure: 'agent alone, recording and live', unit: '%', gapless: live.own.cpu, aim: { atMost: 5 } },
      { measure: 'with its ffmpegs, recording', unit: '%', gapless: quiet.all.cpu, beside: ffmpeg(bare.cpu) },
      {
        measure: 'agent alone, memory, recording',
        unit: 'MB',
        gapless: quiet.own.memoryMb,
        aim: { atMost: 120 },
      },
      {
        measure: 'agent alone, memory, and live',
        unit: 'MB',
        gapless: live.own.memoryMb,
        aim: { atMost: 120 },
      },
      {
        measure: 'with its ffmpegs, memory',
        unit: 'MB',
        gapless: quiet.all.memoryMb,
        beside: ffmpeg(bare.memoryMb),
      },
    ],
  };
}

print('recording', await inScratch(measure));

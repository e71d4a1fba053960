// Taking the padding out of a file: as a command, in the agent, and as an artifact that is not written at all; beside a plain
// copy, ffmpeg rewriting the container, and qt-faststart moving its index. In memory, so that no disk is measured; in turn, so
// that a busy moment of the machine meets all of them.
import { execFileSync, spawnSync } from 'node:child_process';
import { open, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { reduce, writeFile } from '@gapless/edge-agent/reduce/index';
import { ExtentList } from '@gapless/shared/extents';
import { nodeDisk } from '@gapless/shared/fs';
import { noSteps } from '@gapless/shared/lifecycle';
import { FFMPEG, makeClip } from './support/footage.js';
import type { Report, Row } from './support/report.js';
import { print } from './support/report.js';
import { inScratch } from './support/scratch.js';
import { median } from './support/statistics.js';

const ROUNDS = 7;
/** As much as a recorder reserves that wants to be able to write its movie box at any moment. */
const RESERVED_BYTES = 4_000_000;
const REPEATS = 26;
const EDGE = createRequire(import.meta.url).resolve('@gapless/edge-agent/bin/gapless-edge.mjs');
const QUIET = ['-hide_banner', '-loglevel', 'error', '-nostdin', '-y'];

interface Way {
  readonly name: string;
  readonly run: (source: string, out: string) => Promise<void> | void;
  /** What must come out besides the same samples; `undefined` when nothing is written. */
  readonly result: 'same' | 'smaller' | undefined;
}

const signal = new AbortController().signal;

function program(name: string, args: (source: string, out: string) => readonly string[]): Way['run'] {
  return (source, out) => void execFileSync(name, args(source, out), { stdio: 'ignore' });
}

async function reduced(source: string) {
  const length = (await stat(source)).size;
  return reduce(new ExtentList([{ kind: 'file', path: source, offset: 0, length }]), signal);
}

const COMMAND: Way = {
  name: 'gapless-edge reduce',
  run: program(process.execPath, (source, out) => [EDGE, 'reduce', source, out]),
  result: 'smaller',
};
const IN_PROCESS: Way = {
  name: 'in the agent',
  run: async (source, out) => {
    const { artifact } = await reduced(source);
    await writeFile(artifact, out, { disk: nodeDisk, force: false, step: noSteps, signal });
  },
  result: 'smaller',
};
const ARTIFACT: Way = {
  name: 'as an artifact',
  run: async (source) => {
    const { savedBytes } = await reduced(source);
    if (savedBytes < RESERVED_BYTES / 2) throw new Error('next to nothing was saved');
  },
  result: undefined,
};
const START: Way = {
  name: 'start of the program',
  run: () => void execFileSync(process.execPath, [EDGE, '--version'], { stdio: 'ignore' }),
  result: undefined,
};
const CP: Way = { name: 'cp', run: program('cp', (source, out) => [source, out]), result: 'same' };
const REMUX: Way = {
  name: 'ffmpeg -c copy',
  run: program(FFMPEG, (source, out) => [...QUIET, '-i', source, '-map', '0', '-c', 'copy', out]),
  result: 'smaller',
};
const FASTSTART: Way = {
  name: 'qt-faststart',
  run: program('qt-faststart', (source, out) => [source, out]),
  result: 'same',
};

async function measure(dir: string): Promise<Report> {
  const source = join(dir, 'source.mp4');
  await makeSource(dir, source);
  const hasFaststart = spawnSync('qt-faststart').error === undefined;
  const ways = [COMMAND, START, IN_PROCESS, ARTIFACT, CP, REMUX, ...(hasFaststart ? [FASTSTART] : [])];
  const taken = new Map<Way, number[]>(ways.map((way) => [way, []]));
  const sourceBytes = (await stat(source)).size;
  const samples = hashOf(source);
  let savedBytes = 0;
  for (let round = 0; round <= ROUNDS; round++)
    for (const [way, times] of taken) {
      const out = join(dir, 'out.mp4');
      const start = performance.now();
      await way.run(source, out);
      // The first round fills caches, and proves each result.
      if (round > 0) times.push(performance.now() - start);
      else if (way.result !== undefined) {
        const size = (await stat(out)).size;
        if (hashOf(out) !== samples) throw new Error(`${way.name} changed the samples`);
        if (way.result === 'smaller' && size >= sourceBytes) throw new Error(`${way.name} saved nothing`);
        if (way === COMMAND) savedBytes = sourceBytes - size;
      }
      await rm(out, { force: true });
    }
  const ms = (way: Way): number => median(taken.get(way)!)!;
  const beside = [CP, REMUX, ...(hasFaststart ? [FASTSTART] : [])].map((way) => ({
    name: way.name,
    value: ms(way),
  }));
  const note = `${ms(START).toFixed(0)} ms of that are the start of the program`;
  const rows: Row[] = [
    { measure: 'the whole command', unit: 'ms', gapless: ms(COMMAND), beside, note },
    { measure: IN_PROCESS.name, unit: 'ms', gapless: ms(IN_PROCESS), beside, aim: { atMost: ms(REMUX) } },
    {
      measure: 'ready to be uploaded, unwritten',
      unit: 'ms',
      gapless: ms(ARTIFACT),
      beside,
      aim: { atMost: 0.1 * ms(CP) },
    },
  ];
  const megabytes = (sourceBytes / 1e6).toFixed(0);
  return {
    setting:
      `${megabytes} MB with ${(savedBytes / 1e6).toFixed(1)} MB of padding, in memory, median of ${ROUNDS} rounds; ` +
      'every result has the samples of the source, by their hashes.',
    rows,
    skipped: hasFaststart ? [] : ['qt-faststart is not installed'],
  };
}

/** Padding in front of the samples, as ffmpeg writes it, and much of it in front of a movie box at the end of the file. */
async function makeSource(dir: string, source: string): Promise<void> {
  const clip = join(dir, 'clip.mp4');
  makeClip(clip, 4);
  const loop = ['-stream_loop', String(REPEATS - 1), '-i', clip];
  execFileSync(FFMPEG, [...QUIET, ...loop, '-c', 'copy', source]);
  const file = await open(source, 'r+');
  try {
    const header = Buffer.alloc(8);
    let moovAt = 0;
    for (let at = 0; header.toString('latin1', 4) !== 'moov'; at += header.readUInt32BE()) {
      await file.read(header, 0, 8, at);
      moovAt = at;
    }
    const moov = Buffer.alloc(header.readUInt32BE());
    await file.read(moov, 0, moov.length, moovAt);
    const room = Buffer.alloc(RESERVED_BYTES);
    room.writeUInt32BE(room.length);
    room.write('free', 4, 'latin1');
    await file.write(Buffer.concat([room, moov]), 0, room.length + moov.length, moovAt);
  } finally {
    await file.close();
  }
}

/** Hash of all samples in their order. */
function hashOf(path: string): string {
  const args = [...QUIET, '-i', path, '-map', '0', '-c', 'copy', '-f', 'streamhash', '-'];
  return execFileSync(FFMPEG, args).toString();
}

print('reduce', await inScratch(measure, { inMemory: true }));

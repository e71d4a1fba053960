import { spawn } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClipPort } from '@gapless/edge-agent/clip/index';
import { SegmentUse } from '@gapless/edge-agent/clip/index';
import {
  indexPath,
  IndexReader,
  IndexWriter,
  Journal,
  openIndex,
  segmentPath,
} from '@gapless/edge-agent/index/index';
import { RunRecording } from '@gapless/edge-agent/record/run-recording';
import { owned } from '@gapless/harness/children';
import { nodeDisk } from '@gapless/shared/fs';
import { parseLensName, parseVehicleId } from '@gapless/shared/ids';
import { FragmentSplitter } from '@gapless/shared/isobmff';
import { noSteps, systemRandom } from '@gapless/shared/lifecycle';
import { SimulatedClock } from '@gapless/shared/time';
import { FFMPEG } from './footage.js';

const lens = parseLensName('front');
const START_MS = Date.UTC(2026, 7, 22, 16);
const KEYS = generateKeyPairSync('ed25519');

/** A lens that was recorded by the agent's own recording stage, faster than time passes. */
export interface RecordedLens extends Disposable {
  readonly port: ClipPort;
  readonly lens: typeof lens;
  /** When its first picture was taken. */
  readonly startMs: number;
  /** Its files, oldest first. */
  readonly files: readonly string[];
}

/** Records what ffmpeg makes of a clip that is repeated, a fragment a second. */
export async function recordLens(
  dir: string,
  source: { readonly clip: string; readonly repeats: number; readonly segmentMs: number },
): Promise<RecordedLens> {
  const storageDir = join(dir, 'recordings');
  await mkdir(storageDir);
  const clock = new SimulatedClock(START_MS);
  const database = openIndex(indexPath(dir));
  const onError = (error: Error): never => {
    throw error;
  };
  const index = new IndexWriter(database, clock, new Journal({ disk: nodeDisk, storageDir, onError }));
  const reader = new IndexReader(database);
  const evidence = { id: 'a'.repeat(64), sign: (bytes: Uint8Array) => sign(null, bytes, KEYS.privateKey) };
  const splitter = new FragmentSplitter();
  let recording: RunRecording | undefined;
  for await (const chunk of fragmentsOf(source.clip, source.repeats))
    for (const piece of splitter.push(chunk)) {
      if (piece.kind === 'init')
        recording = new RunRecording(
          {
            ...{ disk: nodeDisk, clock, index, storageDir, evidence, step: noSteps, lens },
            ...{ random: systemRandom, segmentDurationMs: source.segmentMs, previous: undefined },
            vehicle: parseVehicleId('bus-042'),
            wall: () => ({ trusted: true, bootId: 'boot-1' }),
            live: () => undefined,
          },
          piece.bytes,
        );
      else {
        await clock.advance(1_000);
        await recording!.accept(piece);
      }
    }
  await recording!.finish('stopped');
  const segments = reader.segments.overlapping(lens, { startMs: 0, endMs: Date.UTC(2100, 0) });
  return {
    lens,
    startMs: segments[0]!.startMs,
    files: segments.map((segment) => join(storageDir, segmentPath(segment))),
    port: {
      ...{ reader, storageDir, lensNow: () => undefined, use: new SegmentUse(), whyMissing: () => [] },
      onDamaged: (_segment, error) => onError(error),
    },
    [Symbol.dispose]: () => {
      index[Symbol.dispose]();
      database.close();
    },
  };
}

/** The clip as a camera's recorder writes it, fragmented at keyframes. */
async function* fragmentsOf(clip: string, repeats: number): AsyncGenerator<Uint8Array> {
  const input = [
    '-hide_banner',
    '-loglevel',
    'error',
    '-nostdin',
    '-stream_loop',
    String(repeats - 1),
    '-i',
    clip,
  ];
  const flags = 'frag_keyframe+empty_moov+default_base_moof';
  const child = owned(
    spawn(FFMPEG, [...input, '-c', 'copy', '-movflags', flags, '-f', 'mp4', '-'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
  yield* child.stdout;
}

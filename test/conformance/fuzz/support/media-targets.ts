import { gpxOf, readCameraTrack, reduce } from '@gapless/edge-agent/reduce/index';
import { ExtentList } from '@gapless/shared/extents';
import {
  buildMovie,
  coverageOf,
  decodeFragmentTable,
  encodeFragmentTable,
  FragmentSplitter,
  fragmentSummary,
  isIdentityBox,
  isSealBox,
  memorySource,
  movieSegment,
  parseFragment,
  parseIdentityBox,
  parseInitSegment,
  parseSealBox,
  readSegmentSamples,
  topLevelBoxes,
  wallMs,
} from '@gapless/shared/isobmff';
import type { InitSegment } from '@gapless/shared/isobmff';
import { cutSegments, recorded } from '../../../../fixtures/media/index.js';
import { block, dashcamFile } from '../../reduce/support/dashcam.js';
import { laidOutBytes } from '../../reduce/support/sources.js';
import type { FuzzTarget } from './target.js';

const REFUSALS = ['MP4_INVALID', 'MP4_UNSUPPORTED', 'MP4_TOO_LARGE', 'MP4_RESTARTED'] as const;
const CHUNK_BYTES = 4_096;
const signal = new AbortController().signal;

const closedSegments = async (): Promise<Uint8Array[]> =>
  cutSegments(await recorded('tiny')).map(({ bytes }) => bytes);

/** What a camera's recorder sends, as the recording stage takes it. */
const camera: FuzzTarget = {
  name: 'fragmented MP4 of a camera',
  seeds: async () => [await recorded('tiny'), await recorded('silent')],
  read: (bytes) => {
    const splitter = new FragmentSplitter();
    let init: InitSegment | undefined;
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
      for (const piece of splitter.push(bytes.subarray(at, at + CHUNK_BYTES))) {
        if (piece.kind === 'init') init = parseInitSegment(piece.bytes);
        else {
          parseFragment(piece.bytes, init!);
          fragmentSummary(piece.bytes, init!);
        }
      }
  },
  refusals: REFUSALS,
};

/** A segment's file, as central takes it from a vehicle and either side from its disk, up to a movie made of it. */
const segment: FuzzTarget = {
  name: 'segment file',
  seeds: closedSegments,
  read: async (bytes) => {
    const samples = await readSegmentSamples(memorySource(bytes));
    const { identity } = samples.layout;
    if (!identity) return;
    coverageOf(samples.tables[0]!, { toMs: (ticks) => wallMs(identity, ticks) });
    const { startMs } = identity;
    buildMovie({
      segments: [movieSegment(samples)],
      range: { startMs, endMs: startMs + 3_600_000 },
      mode: 'exact',
    });
  },
  refusals: REFUSALS,
};

const ownBoxes: FuzzTarget = {
  name: 'identity and seal',
  seeds: closedSegments,
  read: (bytes) => {
    for (const box of topLevelBoxes(bytes)) {
      if (isIdentityBox(box)) parseIdentityBox(box);
      if (isSealBox(box)) parseSealBox(box);
    }
  },
  refusals: REFUSALS,
};

const fragmentTable: FuzzTarget = {
  name: 'fragment table of a database',
  seeds: () => {
    const entry = { sizeBytes: 80_000, startTicks: 0, durationTicks: 12_800, startsWithSync: true };
    const table = Array.from({ length: 20 }, (_, i) => ({
      ...entry,
      number: 1 + i,
      offset: 1_200 + i * 80_000,
      startTicks: i * 12_800,
    }));
    return Promise.resolve([encodeFragmentTable(table)]);
  },
  read: decodeFragmentTable,
  refusals: REFUSALS,
};

/** Files of others that are to be reduced, the GPS of dashcams included. */
const foreignFile: FuzzTarget = {
  name: 'MP4 to be reduced',
  seeds: () => Promise.all([laidOutBytes('plain'), laidOutBytes('indexed'), laidOutBytes('absoluteOffsets')]),
  read: async (bytes) => {
    const source = new ExtentList([{ kind: 'bytes', bytes }]);
    const { artifact } = await reduce(source, signal);
    await artifact.sha256(signal);
  },
  refusals: ['REDUCE_REFUSED'],
};

const dashcam: FuzzTarget = {
  name: 'GPS of a dashcam',
  seeds: async () => [dashcamFile(await laidOutBytes('plain'), [block(7), block(8), block(9)]).file],
  read: async (bytes) => {
    const source = new ExtentList([{ kind: 'bytes', bytes }]);
    const { positions } = await readCameraTrack(source, await reduce(source, signal), signal);
    gpxOf(positions);
  },
  refusals: ['REDUCE_REFUSED'],
};

export const mediaTargets: readonly FuzzTarget[] = [
  camera,
  segment,
  ownBoxes,
  fragmentTable,
  foreignFile,
  dashcam,
];

import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, errnoOf } from '@gapless/shared/errors';
import type { ExtentList, VideoFile } from '@gapless/shared/extents';
import { ExtentSource } from '@gapless/shared/extents';
import { diskError } from '@gapless/shared/fs';
import type { RunId, SegmentRef } from '@gapless/shared/ids';
import { segmentId } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import type { MovieSegment, SegmentSamples } from '@gapless/shared/isobmff';
import { decodeFragmentTable, movieSegment, readSegmentSamples } from '@gapless/shared/isobmff';
import type { SegmentFile } from '../index/paths.js';
import { recordingPath, segmentPath } from '../index/paths.js';
import { segmentContent } from '../index/segment-content.js';
import type { SegmentRecord } from '../index/rows.js';

/** A segment's file as a clip is made of it. */
export interface ClipFile extends VideoFile, SegmentRef {}

/** The segment that is being written, as far as its fragments are whole. */
export interface OpenSegment extends Range {
  readonly run: RunId;
  readonly seq: number;
}

/** The file of a closed segment. */
export function closedFile(storageDir: string, segment: SegmentRecord): ClipFile {
  const { lens, run, seq, startMs, endMs, sha256, fragments } = segment;
  const { startsWithSync } = decodeFragmentTable(fragments)[0]!;
  const path = join(storageDir, segmentPath(segment));
  const file = { lens, run, seq, startMs, endMs, startsWithSync, path, fingerprint: sha256 };
  if (segment.adopted) return { ...file, ...wrapped(storageDir, segment) };
  return { ...file, read: () => readClipFile({ path }, segment) };
}

/** An adopted segment is put together from its wrapper and the other recorder's file. */
function wrapped(storageDir: string, segment: SegmentRecord): Pick<VideoFile, 'read' | 'content'> {
  let content: ExtentList | undefined;
  return {
    read: async () => {
      content = await segmentContent(storageDir, segment);
      await using source = new ExtentSource(content);
      return movieOf(await readSegmentSamples(source), segment);
    },
    content: () => content,
  };
}

/**
 * The file that a segment is being written to. What is whole of it never changes; at any moment it may be closed, and then
 * it moves to the directory of its day.
 */
export function openFile(storageDir: string, segment: SegmentRef & Range): ClipFile {
  const { lens, run, seq, startMs, endMs } = segment;
  const file: SegmentFile = { lens, run, seq, fileStartMs: startMs };
  const path = join(storageDir, recordingPath(file));
  const movesTo = join(storageDir, segmentPath(file));
  const read = (): Promise<MovieSegment> => readClipFile({ path, movesTo }, segment);
  const fingerprint = segmentId(segment);
  // A segment begins with a sync sample; the recorder cuts nowhere else.
  return { lens, run, seq, startMs, endMs, startsWithSync: true, path, movesTo, fingerprint, read };
}

/** Reads the samples of a file: of one that is being written, those of its whole fragments. */
async function readClipFile(
  { path, movesTo }: Pick<VideoFile, 'path' | 'movesTo'>,
  segment: SegmentRef,
): Promise<MovieSegment> {
  const handle = await openFirst(movesTo === undefined ? [path] : [path, movesTo]);
  if (!handle)
    throw new AppError('SEGMENT_CORRUPT', `the file of ${segmentId(segment)} is not there any more`);
  try {
    const { size } = await handle.stat();
    const samples = await readSegmentSamples({
      sizeBytes: size,
      read: async (offset, length) => {
        const into = Buffer.allocUnsafeSlow(Math.max(0, Math.min(length, size - offset)));
        const { bytesRead } = await handle.read(into, 0, into.length, offset);
        return into.subarray(0, bytesRead);
      },
    });
    return movieOf(samples, segment);
  } finally {
    await handle.close();
  }
}

function movieOf(samples: SegmentSamples, segment: SegmentRef): MovieSegment {
  const { identity } = samples.layout;
  if (!identity || segmentId(identity) !== segmentId(segment))
    throw new AppError('SEGMENT_CORRUPT', `a file does not say that it is ${segmentId(segment)}`);
  return movieSegment(samples);
}

async function openFirst(paths: readonly string[]) {
  for (const path of paths) {
    try {
      return await open(path, 'r');
    } catch (thrown) {
      if (errnoOf(thrown) !== 'ENOENT') throw diskError('open', path, thrown);
    }
  }
  return undefined;
}

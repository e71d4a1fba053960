import type { AppError } from '@gapless/shared/errors';
import { AppError as Failure, toAppError } from '@gapless/shared/errors';
import type { ExtentList } from '@gapless/shared/extents';
import { filesForVideo, makeVideo, nearVideo } from '@gapless/shared/extents';
import type { LensName, SegmentRef } from '@gapless/shared/ids';
import { segmentId } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import { overlaps } from '@gapless/shared/interval';
import type { MovieRequest, MovieSegment } from '@gapless/shared/isobmff';
import type { DurationMs, EpochMs } from '@gapless/shared/time';
import { DAY_MS, formatUtc } from '@gapless/shared/time';
import type { IndexReader } from '../index/index-reader.js';
import type { ClipFile, OpenSegment } from './clip-files.js';
import { closedFile, openFile } from './clip-files.js';
import type { ClipGap } from './clip-gaps.js';
import { explainGaps } from './clip-gaps.js';
import type { SegmentUse } from './segment-use.js';

export interface ClipPort {
  readonly reader: Pick<IndexReader, 'segments' | 'lenses'>;
  readonly storageDir: string;
  /** What a lens is writing at this moment; `undefined` for a lens that is not recorded (any more). */
  readonly lensNow: (lens: LensName) => { readonly open?: OpenSegment | undefined } | undefined;
  readonly use: SegmentUse;
  /** Why the vehicle does not hold what it does not hold of a range. */
  readonly whyMissing: (lens: LensName, range: Range) => readonly ClipGap[];
  /** A segment's file could not be read; the clip is made without it. */
  readonly onDamaged: (segment: SegmentRef, error: AppError) => void;
}

/** A stretch of a lens, or of one segment by offsets from its start. */
export type ClipPlace =
  | { readonly lens: LensName; readonly range: Range }
  | { readonly segment: SegmentRef; readonly fromMs: DurationMs; readonly toMs?: DurationMs | undefined };

/** An MP4 that exists only while it is read. Its segments stay until it is disposed of. */
export interface Clip extends Disposable {
  readonly lens: LensName;
  /** What was asked for. */
  readonly range: Range;
  /** What it shows. */
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
  readonly coveredMs: DurationMs;
  /** What is not shown of what was asked for, in order. */
  readonly gaps: readonly ClipGap[];
  readonly codecs: readonly string[];
  /** Tells its bytes from any others. */
  readonly etag: string;
  readonly content: ExtentList;
}

/** The longest clip: its sample tables are in memory. */
const MAX_CLIP_MS = DAY_MS;

/**
 * ExtractClip: an MP4 of any stretch of a lens, across segments and runs, nothing encoded anew. The same question gives the
 * same bytes as long as the same footage is held.
 *
 * @throws LENS_UNKNOWN, SEGMENT_GONE, ARGUMENT_INVALID for a stretch that is empty or longer than a day, FOOTAGE_NONE when
 *   nothing of it can be shown
 */
export async function extractClip(
  port: ClipPort,
  place: ClipPlace,
  mode: MovieRequest['mode'],
): Promise<Clip> {
  const { lens, range } = stretchOf(port, place);
  if (range.endMs <= range.startMs) throw new Failure('ARGUMENT_INVALID', 'the stretch of a clip is empty');
  if (range.endMs - range.startMs > MAX_CLIP_MS)
    throw new Failure('ARGUMENT_INVALID', 'a clip is no longer than 24 hours');
  const files = filesForVideo(filesNear(port, lens, range), range);
  const held = port.use.hold(files);
  try {
    const damaged: ClipFile[] = [];
    const video = await makeVideo(
      files.map((file) => ({ ...file, read: () => readOrLeaveOut(port, file, damaged) })),
      { range, mode },
    );
    if (!video)
      throw new Failure(
        'FOOTAGE_NONE',
        `nothing of ${lens} from ${formatUtc(range.startMs)} to ${formatUtc(range.endMs)} is here`,
      );
    const { movie, content, etag } = video;
    const { startMs, endMs, coveredMs, codecs } = movie;
    const gaps = explainGaps(movie.gaps, {
      damaged,
      whyMissing: (stretch) => port.whyMissing(lens, stretch),
    });
    const release = (): void => held[Symbol.dispose]();
    return { lens, range, startMs, endMs, coveredMs, gaps, codecs, etag, content, [Symbol.dispose]: release };
  } catch (thrown) {
    held[Symbol.dispose]();
    throw thrown;
  }
}

function stretchOf(port: ClipPort, place: ClipPlace): { lens: LensName; range: Range } {
  if ('lens' in place) {
    const { lens } = place;
    if (port.lensNow(lens) || port.reader.lenses().includes(lens)) return place;
    throw new Failure('LENS_UNKNOWN', `there is no lens ${lens} on this vehicle`);
  }
  const { segment, fromMs, toMs } = place;
  const found = port.reader.segments.get(segment) ?? openSegmentOf(port, segment.lens, segment);
  if (!found) throw new Failure('SEGMENT_GONE', `${segmentId(segment)} is not on this vehicle`);
  const { startMs, endMs } = found;
  const range = {
    startMs: startMs + fromMs,
    endMs: Math.min(endMs, toMs === undefined ? endMs : startMs + toMs),
  };
  return { lens: segment.lens, range };
}

function openSegmentOf(
  port: ClipPort,
  lens: LensName,
  wanted?: SegmentRef,
): (SegmentRef & Range) | undefined {
  const open = port.lensNow(lens)?.open;
  if (!open || (wanted && (open.run !== wanted.run || open.seq !== wanted.seq))) return undefined;
  return { lens, ...open };
}

/** Files of and around a range, oldest first. A segment that is being closed has its row a moment before it has its place. */
function filesNear(port: ClipPort, lens: LensName, range: Range): ClipFile[] {
  const near = nearVideo(range);
  const open = openSegmentOf(port, lens);
  const files = port.reader.segments
    .overlapping(lens, near)
    .filter((closed) => !open || closed.run !== open.run || closed.seq !== open.seq)
    .map((closed) => closedFile(port.storageDir, closed));
  if (open && overlaps(open, near)) files.push(openFile(port.storageDir, open));
  return files;
}

/** What is damaged must not keep anyone from the rest. */
async function readOrLeaveOut(
  port: ClipPort,
  file: ClipFile,
  damaged: ClipFile[],
): Promise<MovieSegment | undefined> {
  try {
    return await file.read();
  } catch (thrown) {
    damaged.push(file);
    port.onDamaged(file, toAppError(thrown));
    return undefined;
  }
}

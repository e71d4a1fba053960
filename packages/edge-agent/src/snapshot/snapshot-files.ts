import { join } from 'node:path';
import type { ExtentList } from '@gapless/shared/extents';
import type { SegmentRef } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import type { FragmentEntry } from '@gapless/shared/isobmff';
import { decodeFragmentTable } from '@gapless/shared/isobmff';
import { recordingPath, segmentPath } from '../index/paths.js';
import type { SegmentRecord } from '../index/rows.js';
import { segmentContent } from '../index/segment-content.js';

/** A segment's file with what is known of its fragments without looking into it. */
export interface SnapshotFile extends SegmentRef, Range {
  readonly path: string;
  /** Where the file is to be found once it is not at `path` any more. */
  readonly movesTo?: string;
  /** What of it is whole. */
  readonly sizeBytes: number;
  readonly fragments: readonly FragmentEntry[];
  /** Where its bytes lie, for one whose media lie with another recorder. */
  readonly content?: () => Promise<ExtentList>;
}

/** The segment that is being written, as far as its fragments are whole. */
export interface OpenSegment extends Range, Pick<SegmentRef, 'run' | 'seq'> {
  readonly fragments: readonly FragmentEntry[];
}

export function closedFile(storageDir: string, segment: SegmentRecord): SnapshotFile {
  const { lens, run, seq, startMs, endMs, sizeBytes } = segment;
  const fragments = decodeFragmentTable(segment.fragments);
  return {
    lens,
    run,
    seq,
    startMs,
    endMs,
    sizeBytes,
    fragments,
    path: join(storageDir, segmentPath(segment)),
    ...(segment.adopted ? { content: () => segmentContent(storageDir, segment) } : {}),
  };
}

/** It may be closed at any moment, and then moves to the directory of its day. */
export function openFile(storageDir: string, segment: SegmentRef & OpenSegment): SnapshotFile {
  const { lens, run, seq, startMs, endMs } = segment;
  // Those that are added while it is read are none of this snapshot's business.
  const fragments = segment.fragments.slice();
  const last = fragments.at(-1);
  const sizeBytes = last ? last.offset + last.sizeBytes : 0;
  const file = { lens, run, seq, fileStartMs: startMs };
  const path = join(storageDir, recordingPath(file));
  return {
    lens,
    run,
    seq,
    startMs,
    endMs,
    sizeBytes,
    fragments,
    path,
    movesTo: join(storageDir, segmentPath(file)),
  };
}

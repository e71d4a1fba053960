import { createHash } from 'node:crypto';
import { AppError } from '@gapless/shared/errors';
import type { DiskFile } from '@gapless/shared/fs';
import type {
  ByteSource,
  SampleTable,
  SegmentClock,
  SegmentIdentity,
  SegmentLayout,
} from '@gapless/shared/isobmff';
import {
  coverageOf,
  encodeFragmentTable,
  primaryTrack,
  readSegmentSamples,
  wallMs,
} from '@gapless/shared/isobmff';
import type { Range } from '@gapless/shared/interval';
import type { NewRun, SegmentRecord } from './rows.js';

/** A segment file as it speaks for itself. */
export interface SegmentFileFacts {
  readonly identity: SegmentIdentity;
  readonly layout: SegmentLayout;
  /** Samples of the primary track. */
  readonly samples: SampleTable;
}

const HASH_CHUNK_BYTES = 1024 * 1024;

/**
 * Reads a segment file of ours.
 *
 * @throws MP4_* when its head is broken, SEGMENT_FOREIGN when it does not say whose it is
 */
export async function readSegmentFile(file: ByteSource): Promise<SegmentFileFacts> {
  const { layout, tables } = await readSegmentSamples(file);
  const { identity, init } = layout;
  if (!identity)
    throw new AppError('SEGMENT_FOREIGN', 'the file is no segment of this agent: it has no identity box');
  return { identity, layout, samples: tables[init.tracks.indexOf(primaryTrack(init))]! };
}

/** The index's row for a file that is closed: everything in it follows from the file's bytes. */
export function segmentRecordOf(
  facts: SegmentFileFacts,
  file: { sizeBytes: number; sha256: string },
): SegmentRecord {
  const { identity, layout, samples } = facts;
  const first = layout.fragments[0];
  const last = layout.fragments.at(-1);
  if (!first || !last) throw new AppError('SEGMENT_EMPTY', 'the file has no whole fragment');
  const toMs = (ticks: number): number => wallMs(identity, ticks);
  const startMs = toMs(first.startTicks);
  const endMs = Math.max(toMs(last.startTicks + last.durationTicks), startMs + 1);
  return {
    lens: identity.lens,
    run: identity.run,
    seq: identity.seq,
    startMs,
    endMs,
    fileStartMs: startMs,
    sizeBytes: file.sizeBytes,
    sha256: file.sha256,
    firstFragment: first.number,
    fragmentCount: layout.fragments.length,
    fragments: encodeFragmentTable(layout.fragments),
    holes: holesOf(samples, identity, { startMs, endMs }),
    receipted: false,
    adopted: false,
  };
}

/** As many as the catalogue carries of one segment. */
const MAX_HOLES = 100;

/**
 * The stretches of a segment's extent for which it has no picture. Always measured over all samples of the segment, so
 * that the recorder, a reader of its file and central come to the same.
 */
export function holesOf(samples: SampleTable, clock: SegmentClock, extent: Range): readonly Range[] {
  const coverage = coverageOf(samples, { toMs: (ticks) => wallMs(clock, ticks) });
  return coverage.complementWithin(extent).ranges.slice(0, MAX_HOLES);
}

/** The run that a file belongs to, as far as its first file can tell. */
export function runOf({ identity, layout }: SegmentFileFacts): NewRun {
  const primary = primaryTrack(layout.init);
  return {
    lens: identity.lens,
    run: identity.run,
    bootId: identity.bootId,
    monotonicMs: identity.monotonicMs,
    clockTrusted: identity.clock === 'trusted',
    startMs: identity.startMs,
    codecs: layout.init.tracks.map((track) => track.codec),
    width: primary.width,
    height: primary.height,
  };
}

/** An open file as the MP4 readers want it. */
export async function byteSource(file: DiskFile): Promise<ByteSource> {
  const sizeBytes = await file.sizeBytes();
  return {
    sizeBytes,
    read: async (offset, length) => {
      const into = new Uint8Array(length);
      return into.subarray(0, await file.read(into, offset));
    },
  };
}

/** SHA-256 of the first `length` bytes of a file, in chunks. */
export async function hashFile(file: DiskFile, length: number): Promise<string> {
  const hash = createHash('sha256');
  const chunk = new Uint8Array(HASH_CHUNK_BYTES);
  for (let offset = 0; offset < length;) {
    const read = await file.read(chunk.subarray(0, Math.min(chunk.length, length - offset)), offset);
    if (read === 0) throw new AppError('SEGMENT_SHORT', `the file ends at byte ${offset} of ${length}`);
    hash.update(chunk.subarray(0, read));
    offset += read;
  }
  return hash.digest('hex');
}

import { AppError } from '../errors/index.js';
import type { ByteSource } from './byte-source.js';
import { WindowedSource } from './byte-source.js';
import { looksWritten } from './fragment-soundness.js';
import type { TrackSummary } from './fragment-summary.js';
import { summaryOf } from './fragment-summary.js';
import type { FragmentEntry } from './fragment-table.js';
import { MAX_FRAGMENTS } from './fragment-table.js';
import { mp4Invalid, mp4TooLarge } from './mp4-error.js';
import type { MovieFragment } from './movie-fragment.js';
import { parseMovieFragment } from './movie-fragment.js';
import type { SegmentHead } from './segment-head.js';
import { readSegmentHead, readWholeBox } from './segment-head.js';
import type { SegmentSeal } from './segment-seal.js';
import { isSealBox, parseSealBox } from './segment-seal.js';

/** A place in a segment where the number of a fragment is not one more than that before it. */
export interface NumberJump {
  /** Which fragment of the layout has the unexpected number. */
  readonly index: number;
  readonly expected: number;
  readonly found: number;
}

/** What stands where in a segment file. */
export interface SegmentLayout extends SegmentHead {
  /** The whole fragments, in file order. */
  readonly fragments: readonly FragmentEntry[];
  /** Empty for every segment of ours; otherwise fragments are missing or doubled. */
  readonly jumps: readonly NumberJump[];
  /** End of the last whole fragment, or of the head if there is none: where to cut a file that was torn. */
  readonly wholeLength: number;
  /** Where the seal box begins; `undefined` for a file that was not closed. */
  readonly tailOffset: number | undefined;
  readonly seal: SegmentSeal | undefined;
  /** What stopped the reading before the end of the file; `undefined` when all of it is in order. */
  readonly damage: AppError | undefined;
}

export interface ScanOptions {
  /** Called for every whole fragment, in order, with where it begins: to collect samples in the same pass. */
  readonly onFragment?: (fragment: MovieFragment, offset: number) => void;
}

/** Bound on a `moof`: 2^18 samples of 16 bytes each, and some. */
const MAX_MOOF_BYTES = 8 * 2 ** 20;

const MAX_SEAL_BYTES = 2 ** 13;

/** Bound on a fragment whose media are looked at. */
const MAX_CHECKED_BYTES = 32 * 2 ** 20;

/**
 * Finds the fragments of a segment file by reading box headers and `moof`s only, about 1 % of the file. A torn file is
 * no error: what is whole is reported, and `damage` says what ended it. A fragment is whole if its `moof` is in order,
 * its `mdat` is all there and its samples lie inside it; of a file without a seal the last fragment must also look
 * written ({@link looksWritten}).
 *
 * @throws MP4_INVALID, MP4_UNSUPPORTED or MP4_TOO_LARGE if the head cannot be read; errors of the source as they are
 */
export async function scanSegment(file: ByteSource, options: ScanOptions = {}): Promise<SegmentLayout> {
  const source = new WindowedSource(file);
  const head = await readSegmentHead(source);
  const scan: Scan = { source, head, found: [], held: undefined, tail: undefined, ...options };
  let damage: AppError | undefined;
  try {
    for (let offset = head.headLength; offset < source.sizeBytes;) {
      offset = await readNext(scan, offset);
    }
  } catch (thrown) {
    damage = asDamage(thrown);
  }
  if (scan.held && !scan.tail && !(await looksWrittenOut(scan, scan.held))) {
    damage = mp4Invalid('mdat', scan.held.offset, 'has zeros where samples must be: it was not written out');
    scan.held = undefined;
  }
  release(scan);
  return {
    ...head,
    fragments: tableOf(scan.found),
    jumps: jumpsOf(scan.found),
    wholeLength: scan.found.at(-1)?.end ?? head.headLength,
    tailOffset: scan.tail?.offset,
    seal: scan.tail?.seal,
    damage,
  };
}

/** A fragment without its samples, so that a long file does not stay in memory. */
interface Found {
  readonly number: number;
  readonly offset: number;
  readonly end: number;
  readonly primary: TrackSummary | undefined;
}

interface Scan extends ScanOptions {
  readonly source: WindowedSource;
  readonly head: SegmentHead;
  readonly found: Found[];
  /** The newest fragment. It counts once another or the seal follows it, or once its media look written. */
  held: (Found & { readonly fragment: MovieFragment }) | undefined;
  tail: { readonly offset: number; readonly seal: SegmentSeal } | undefined;
}

/** Boxes of other recorders that may stand between fragments. */
const PASSED_OVER = new Set(['free', 'skip', 'sidx', 'ssix', 'styp', 'prft', 'emsg', 'mfra', 'uuid']);

/** Reads the fragment or the box at `offset`; returns where it ends. */
async function readNext(scan: Scan, offset: number): Promise<number> {
  const header = await scan.source.header(offset);
  if (!header) throw mp4Invalid('file', offset, 'ends inside the header of a box');
  if (scan.tail) throw mp4Invalid(header.type, offset, 'follows the seal');
  if (header.type === 'moof') {
    if (scan.found.length >= MAX_FRAGMENTS - 1)
      throw mp4TooLarge('file', offset, `has more than ${MAX_FRAGMENTS} fragments`);
    const next = await readFragment(scan, offset);
    release(scan);
    scan.held = next;
    return next.end;
  }
  if (!PASSED_OVER.has(header.type)) throw mp4Invalid(header.type, offset, 'stands where moof must be');
  if (isSealBox(header)) {
    const box = await readWholeBox(scan.source, offset, MAX_SEAL_BYTES);
    scan.tail = { offset, seal: parseSealBox(box) };
    return offset + box.bytes.length;
  }
  const end = offset + (header.sizeBytes ?? scan.source.sizeBytes - offset);
  requireInFile(header.type, { offset, end }, scan.source);
  return end;
}

function requireInFile(
  type: string,
  { offset, end }: Pick<Found, 'offset' | 'end'>,
  { sizeBytes }: WindowedSource,
): void {
  if (end > sizeBytes)
    throw mp4Invalid(type, offset, `has ${sizeBytes - offset} of its ${end - offset} bytes: the file ends`);
}

async function readFragment({ source, head }: Scan, offset: number): Promise<NonNullable<Scan['held']>> {
  const moof = await readWholeBox(source, offset, MAX_MOOF_BYTES);
  const mdatAt = offset + moof.bytes.length;
  const mdat = await source.header(mdatAt);
  if (!mdat) throw mp4Invalid('moof', offset, 'is not followed by its mdat: the file ends');
  if (mdat.type !== 'mdat' || mdat.sizeBytes === undefined)
    throw mp4Invalid(mdat.type, mdatAt, 'stands where mdat with its size must be');
  const end = mdatAt + mdat.sizeBytes;
  requireInFile('mdat', { offset: mdatAt, end }, source);
  const media = { start: mdatAt + mdat.headerBytes - offset, end: end - offset };
  const fragment = parseMovieFragment(moof.bytes, head.init, media, offset);
  const { primary } = summaryOf(fragment, head.init);
  return { fragment, number: fragment.number, offset, end, primary };
}

function release(scan: Scan): void {
  if (!scan.held) return;
  const { fragment, number, offset, end, primary } = scan.held;
  scan.onFragment?.(fragment, offset);
  scan.found.push({ number, offset, end, primary });
  scan.held = undefined;
}

async function looksWrittenOut(
  { source }: Scan,
  { fragment, offset, end }: NonNullable<Scan['held']>,
): Promise<boolean> {
  if (end - offset > MAX_CHECKED_BYTES) return true;
  return looksWritten(await source.read(offset, end - offset), fragment);
}

/** A fragment without samples of the primary track stands at the end of the one before it and takes no time. */
function tableOf(found: readonly Found[]): FragmentEntry[] {
  let nextTicks = found.find((one) => one.primary)?.primary?.startTicks ?? 0;
  return found.map(({ number, offset, end, primary }) => {
    const startTicks = primary?.startTicks ?? nextTicks;
    const durationTicks = primary?.durationTicks ?? 0;
    nextTicks = startTicks + durationTicks;
    return {
      number,
      offset,
      sizeBytes: end - offset,
      startTicks,
      durationTicks,
      startsWithSync: primary?.firstSample.sync ?? false,
    };
  });
}

function jumpsOf(found: readonly Found[]): NumberJump[] {
  const jumps: NumberJump[] = [];
  for (let index = 1; index < found.length; index++) {
    const expected = found[index - 1]!.number + 1;
    const { number } = found[index]!;
    if (number !== expected) jumps.push({ index, expected, found: number });
  }
  return jumps;
}

/** What is wrong with the file is a finding; what is wrong with the disk is not ours to judge. */
function asDamage(thrown: unknown): AppError {
  if (thrown instanceof AppError && thrown.code.startsWith('MP4_')) return thrown;
  throw thrown;
}

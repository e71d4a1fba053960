import { AppError } from '@gapless/shared/errors';
import type { LensName, RunId, SegmentId } from '@gapless/shared/ids';
import { segmentId } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import { overlaps, RangeSet } from '@gapless/shared/interval';
import type { EpochMs } from '@gapless/shared/time';
import type { IndexReader } from '../index/index-reader.js';
import type { ListedSegment } from '../index/listing-queries.js';
import type { RunRecord } from '../index/rows.js';
import { cursorText, parseCursor } from './cursor.js';
import type { HeldGap } from './gaps-plan.js';
import { heldGaps } from './gaps-plan.js';
import { readPage } from './page.js';
import { Holders } from './holders.js';

/** What a lens is doing at this moment. */
export interface LensNow {
  /** Nothing is known yet of what comes after this instant. */
  readonly asOfMs: EpochMs;
  /** The segment that is being written, as far as its fragments are whole. */
  readonly open?: (Range & { readonly run: RunId; readonly seq: number }) | undefined;
  readonly openBytes: number;
}

export interface SegmentsPort {
  readonly reader: Pick<IndexReader, 'listing' | 'runs' | 'absences' | 'lenses' | 'protections'>;
  /** `undefined` for a lens that is not recorded (any more). */
  readonly lensNow: (lens: LensName) => LensNow | undefined;
  readonly nowMs: () => EpochMs;
}

export interface SegmentsQuestion {
  readonly lens: LensName;
  readonly range: Range;
  /** Segments of one page, from 1 to {@link MAX_PAGE}. */
  readonly limit: number;
  /** `next` of the page before. */
  readonly cursor?: string | undefined;
}

interface Held extends Range {
  readonly id: SegmentId;
  readonly sizeBytes: number;
  /** RFC 6381 names, video first. */
  readonly codecs: readonly string[];
  /** The holders of the pins that overlap it, by name. */
  readonly protectedBy: readonly string[];
}

/** A segment that the vehicle holds. One that is open still grows: it has no hash yet, and its end moves on. */
export type HeldSegment =
  | (Held & { readonly state: 'closed'; readonly sha256: string; readonly receipted: boolean })
  | (Held & { readonly state: 'open' });

export interface SegmentsAnswer {
  readonly lens: LensName;
  /** What this page speaks of: the pages of a question tile its range. */
  readonly answered: Range | undefined;
  /** Oldest first. */
  readonly segments: readonly HeldSegment[];
  /** What is held of the answered range, measured from the samples. */
  readonly coverage: RangeSet;
  /** The rest of the answered range. */
  readonly gaps: readonly HeldGap[];
  /** Asks for the next page; `undefined` on the last. */
  readonly next: string | undefined;
}

export const DEFAULT_PAGE = 1_000;
export const MAX_PAGE = 10_000;

/**
 * GetSegments: what the vehicle holds of a lens in a range, what it does not hold of it, and why. Answered from the index
 * alone; a page costs what it returns, however much is stored.
 *
 * @throws LENS_UNKNOWN, ARGUMENT_INVALID for a cursor that is none
 */
export function getSegments(port: SegmentsPort, question: SegmentsQuestion): SegmentsAnswer {
  const { reader } = port;
  const { lens } = question;
  const now = port.lensNow(lens);
  if (!now && !reader.lenses().includes(lens))
    throw new AppError('LENS_UNKNOWN', `there is no lens ${lens} on this vehicle`);
  const cursor = question.cursor === undefined ? undefined : parseCursor(question.cursor);
  const page = readPage(reader.listing, question, cursor);
  const holders = new Holders(reader.protections.ofLens(lens));
  const segments = closedSegments(port, page.segments, { lens, holders });
  const open = page.next ? undefined : openSegment(port, question, { now, holders });
  // For a moment, one that is just being closed is both.
  if (open && segments.at(-1)?.id !== open.id) segments.push(open);
  const next = page.next && cursorText(page.next);
  const { answered } = page;
  if (!answered) return { lens, answered, segments, coverage: RangeSet.empty, gaps: [], next };
  // A segment of the page before may reach into this one.
  const reaching = cursor ? reader.listing.segments(lens, firstInstant(answered), MAX_PAGE) : [];
  const extents = reaching.length > 0 ? [...reaching, ...page.segments] : page.segments;
  const coverage = coverageOf(extents, open).within(answered);
  const gaps = heldGaps(answered, {
    coverage,
    deleted: page.deleted,
    holes: holesOf(extents),
    absences: reader.absences.newest(lens, answered, MAX_PAGE),
    asOfMs: now?.asOfMs ?? port.nowMs(),
  });
  return { lens, answered, segments, coverage, gaps, next };
}

/**
 * What is not held of a stretch and why, for those who found nothing there.
 *
 * @throws LENS_UNKNOWN
 */
export function whyMissing(port: SegmentsPort, lens: LensName, range: Range): readonly HeldGap[] {
  return getSegments(port, { lens, range, limit: MAX_PAGE }).gaps;
}

function openSegment(
  { reader }: SegmentsPort,
  { lens, range }: SegmentsQuestion,
  { now, holders }: { readonly now: LensNow | undefined; readonly holders: Holders },
): HeldSegment | undefined {
  if (!now?.open || !overlaps(now.open, range)) return undefined;
  const { run, seq, startMs, endMs } = now.open;
  const codecs = reader.runs.get(lens, run)?.codecs ?? [];
  const id = segmentId({ lens, run, seq });
  const protectedBy = holders.of(startMs, endMs);
  return { id, startMs, endMs, sizeBytes: now.openBytes, codecs, protectedBy, state: 'open' };
}

function closedSegments(
  { reader }: SegmentsPort,
  rows: readonly ListedSegment[],
  { lens, holders }: { readonly lens: LensName; readonly holders: Holders },
): HeldSegment[] {
  let run: RunRecord | undefined;
  return rows.map(({ runOrder, seq, startMs, endMs, sizeBytes, sha256, receipted }) => {
    if (run?.order !== runOrder) run = reader.runs.byOrder(runOrder)!;
    const id = segmentId({ lens, run: run.run, seq });
    const protectedBy = holders.of(startMs, endMs);
    const { codecs } = run;
    return { id, startMs, endMs, sizeBytes, codecs, protectedBy, state: 'closed', sha256, receipted };
  });
}

function coverageOf(rows: readonly ListedSegment[], open: Range | undefined): RangeSet {
  const ranges: Range[] = open ? [open] : [];
  // Most segments begin where the one before ends; a day of them is one range.
  let startMs = 0;
  let endMs = 0;
  for (const row of rows) {
    if (row.startMs === endMs && row.holes.length === 0) {
      endMs = row.endMs;
      continue;
    }
    if (endMs > startMs) ranges.push({ startMs, endMs });
    if (row.holes.length > 0) {
      ranges.push(...RangeSet.from(row.holes).complementWithin(row));
      startMs = endMs = 0;
    } else {
      startMs = row.startMs;
      endMs = row.endMs;
    }
  }
  if (endMs > startMs) ranges.push({ startMs, endMs });
  return RangeSet.from(ranges);
}

function holesOf(rows: readonly ListedSegment[]): Range[] {
  const holes: Range[] = [];
  for (const row of rows) if (row.holes.length > 0) holes.push(...row.holes);
  return holes;
}

function firstInstant({ startMs }: Range): Range {
  return { startMs, endMs: startMs + 1 };
}

import { segmentId } from '@gapless/shared/ids';
import type { LensName, SegmentRef } from '@gapless/shared/ids';
import { segmentRow, tombstoneRow } from '@gapless/shared/protocol';
import type { EpochMs } from '@gapless/shared/time';
import { segmentRow as announcedSegment, tombstoneRow as announcedTombstone } from '../changes.js';
import type { RunRecord, SegmentRecord, TombstoneRecord } from '../rows.js';
import type { CheckPort } from './check-port.js';
import { checkRow } from './check-rows.js';
import { checkSegment } from './check-segment.js';
import type { Invariant } from './finding.js';
import { REMEDIES } from './finding.js';

/** What was recorded, whether or not it is still there. */
type Recorded =
  | { readonly kind: 'segment'; readonly row: SegmentRecord }
  | { readonly kind: 'tombstone'; readonly row: TombstoneRecord };

const PAGE = 500;

/**
 * Walks through everything that was ever recorded of a lens in the order in which it was recorded, and looks at each
 * segment with what came before it in mind. Holds one page of rows.
 */
export async function checkLens(port: CheckPort, lens: LensName): Promise<void> {
  const walk = new Walk(port);
  const { runs } = port.reader;
  for (let page = runs.ofLens(lens, 0, PAGE); page.length > 0; page = nextPage(page)) {
    for (const { row } of page) {
      walk.beginRun();
      for (const recorded of recordedOf(port, row)) await walk.take(row, recorded);
    }
  }
  function nextPage(
    page: readonly { readonly row: RunRecord }[],
  ): { readonly row: RunRecord; seq: number }[] {
    return runs.ofLens(lens, page.at(-1)!.row.order, PAGE);
  }
}

/** Everything of a run in order. A page is one transaction, so that nothing is missed that is evicted meanwhile. */
function* recordedOf({ database, reader, statements }: CheckPort, run: RunRecord): Generator<Recorded> {
  const page = database.transaction((fromSeq: number): Recorded[] => {
    const toSeq = fromSeq + PAGE;
    const segments = reader.segments.ofRun(run, fromSeq, toSeq);
    const tombstones = reader.tombstones.ofRun(run, fromSeq, toSeq);
    return [
      ...segments.map((row) => ({ kind: 'segment' as const, row })),
      ...tombstones.map((row) => ({ kind: 'tombstone' as const, row })),
    ].sort((a, b) => a.row.seq - b.row.seq);
  });
  for (let seq = nextSeq(0); seq !== undefined;) {
    const rows = page(seq);
    yield* rows;
    seq = nextSeq(seq + PAGE);
  }
  function nextSeq(from: number): number | undefined {
    const sql = `SELECT min(seq) AS seq FROM (
      SELECT min(seq) AS seq FROM segment WHERE run_id = ? AND seq >= ?
      UNION ALL SELECT min(seq) FROM tombstone WHERE run_id = ? AND seq >= ?)`;
    const row = statements.get<{ seq: number | null }>(sql, run.order, from, run.order, from);
    return row?.seq ?? undefined;
  }
}

class Walk {
  readonly #port: CheckPort;
  /** Of the segment before, of whatever run; undefined at the beginning of what is known of the lens. */
  #sha256: string | undefined;
  /** The one before in the same run. */
  #former: Recorded | undefined;

  constructor(port: CheckPort) {
    this.#port = port;
  }

  beginRun(): void {
    this.#former = undefined;
  }

  async take(run: RunRecord, recorded: Recorded): Promise<void> {
    const former = this.#former;
    const { kind, row } = recorded;
    this.#checkNumber(row, former);
    this.#checkTimes(run, row, former);
    if (kind === 'tombstone') {
      checkRow(this.#port, row.lens, { schema: tombstoneRow, value: announcedTombstone(row) });
    } else if (checkRow(this.#port, row.lens, { schema: segmentRow, value: announcedSegment(row) })) {
      if (former?.kind === 'segment' && former.row.seq + 1 === row.seq) this.#checkFragments(row, former.row);
      await checkSegment(this.#port, row, this.#predecessor(row, former));
      await this.#port.onSegment(row.sizeBytes);
    }
    this.#former = recorded;
    this.#sha256 = row.sha256;
  }

  /** Numbers go on without holes, from 0 unless the beginning of the run has been forgotten. */
  #checkNumber(row: SegmentRef & { readonly startMs: EpochMs }, former: Recorded | undefined): void {
    const expected = former ? former.row.seq + 1 : 0;
    if (row.seq === expected) return;
    if (!former && row.startMs < this.#port.forgottenMs) return;
    const detail =
      row.seq < expected
        ? `number ${row.seq} stands both for a segment and for a tombstone`
        : `nothing says what became of number ${expected}${row.seq - expected > 1 ? ` to ${row.seq - 1}` : ''} of the run`;
    this.#report('numbering', row, detail);
  }

  #checkTimes(run: RunRecord, row: Recorded['row'], former: Recorded | undefined): void {
    if (row.startMs < run.startMs) {
      this.#report('run-extent', row, `it starts at ${row.startMs}, before its run at ${run.startMs}`);
    }
    if (run.endMs !== undefined && row.endMs > run.endMs) {
      this.#report('run-extent', row, `it ends at ${row.endMs}, after its run at ${run.endMs}`);
    }
    if (former && row.startMs < former.row.endMs) {
      this.#report(
        'no-overlap',
        row,
        `it starts at ${row.startMs}, before the one before it ends at ${former.row.endMs}`,
      );
    }
  }

  #checkFragments(row: SegmentRecord, former: SegmentRecord): void {
    const expected = former.firstFragment + former.fragmentCount;
    if (row.firstFragment === expected) return;
    this.#report('fragments', row, `it begins with fragment ${row.firstFragment} where ${expected} is due`);
  }

  /** SHA-256 that the segment's seal must name; undefined where it may name what has been forgotten since. */
  #predecessor(row: SegmentRecord, former: Recorded | undefined): string | undefined {
    const isNext = former !== undefined && former.row.seq + 1 === row.seq;
    return isNext || row.startMs >= this.#port.forgottenMs ? this.#sha256 : undefined;
  }

  #report(invariant: Invariant, row: SegmentRef, detail: string): void {
    const { lens } = row;
    const remedy = invariant === 'numbering' ? REMEDIES.hole : REMEDIES.rebuild;
    this.#port.report({ invariant, severity: 'error', lens, segment: segmentId(row), detail, remedy });
  }
}

import { assert } from '@gapless/shared/errors';
import type { RunId, SegmentRef } from '@gapless/shared/ids';
import { fromHex, hex, parseLensName, parseRunId } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import { RangeSet } from '@gapless/shared/interval';
import { MAX_SEGMENT_MS } from '@gapless/shared/protocol';
import type { Statements } from '@gapless/shared/sqlite';
import type { EpochMs } from '@gapless/shared/time';
import { ageFromMs } from './age.js';

/** A segment that central holds in full or in part, or has asked for. */
export interface StoredObject extends Range, SegmentRef {
  readonly id: number;
  readonly lensId: number;
  readonly runId: number;
  readonly state: 'receiving' | 'verified';
  /** What the vehicle's catalogue says it must be; undefined until the segment is closed there. */
  readonly expected: { readonly sizeBytes: number; readonly sha256: string } | undefined;
  /** Of a verified object: where it lies, below the media directory. */
  readonly path: string | undefined;
  /** Of a verified object: its fragment table, encoded. */
  readonly fragments: Uint8Array | undefined;
  readonly fetchedBytes: number;
  /** Of a verified object: the stretches of its extent without a picture; undefined if nobody has measured them. */
  readonly holes: RangeSet | undefined;
  /** How often it was put together and was not what the vehicle said. */
  readonly failures: number;
  readonly verifiedMs: EpochMs | undefined;
  /** Since when the age of a verified object counts. */
  readonly ageFromMs: EpochMs | undefined;
}

interface Columns {
  id: number;
  lens_id: number;
  run_id: number;
  lens: string;
  run: string;
  seq: number;
  state: 'receiving' | 'verified';
  start_ms: number;
  end_ms: number;
  size_bytes: number | null;
  sha256: Uint8Array | null;
  fragments: Uint8Array | null;
  path: string | null;
  fetched_bytes: number;
  holes: string | null;
  failures: number;
  verified_ms: number | null;
  age_from_ms: number | null;
}

const SELECT = `SELECT o.id, o.lens_id, o.run_id, l.name AS lens, r.name AS run, o.seq, o.state, o.start_ms, o.end_ms,
  o.size_bytes, o.sha256, o.fragments, o.path, o.fetched_bytes, o.holes, o.failures, o.verified_ms, o.age_from_ms
  FROM object o JOIN lens l ON l.id = o.lens_id JOIN run r ON r.id = o.run_id`;

// An object is never longer than MAX_SEGMENT_MS, so those that overlap begin in one short stretch of the index.
const OVERLAPPING = `o.lens_id = ? AND o.start_ms > ? - ${MAX_SEGMENT_MS} AND o.start_ms < ? AND o.end_ms > ?`;

export class ObjectReader {
  protected readonly statements: Statements;

  constructor(statements: Statements) {
    this.statements = statements;
  }

  byId(id: number): StoredObject | undefined {
    const row = this.statements.get<Columns>(`${SELECT} WHERE o.id = ?`, id);
    return row && object(row);
  }

  byRef(lensId: number, run: RunId, seq: number): StoredObject | undefined {
    const row = this.statements.get<Columns>(
      `${SELECT} WHERE r.lens_id = ? AND r.name = ? AND o.seq = ?`,
      lensId,
      run,
      seq,
    );
    return row && object(row);
  }

  /** Verified objects that overlap `range`, oldest first. */
  verified(lensId: number, range: Range): StoredObject[] {
    const sql = `${SELECT} WHERE ${OVERLAPPING} AND o.state = 'verified' ORDER BY o.start_ms, o.run_id, o.seq`;
    return this.statements.all<Columns>(sql, lensId, range.startMs, range.endMs, range.startMs).map(object);
  }

  /** Objects of a lens that overlap `range` and are still on their way. */
  receivingNear(lensId: number, range: Range): StoredObject[] {
    const sql = `${SELECT} WHERE ${OVERLAPPING} AND o.state = 'receiving'`;
    return this.statements.all<Columns>(sql, lensId, range.startMs, range.endMs, range.startMs).map(object);
  }

  /** Objects of a vehicle that are still on their way, as a restart finds them. */
  receiving(vehicleId: number): StoredObject[] {
    const sql = `${SELECT} WHERE l.vehicle_id = ? AND o.state = 'receiving' ORDER BY o.start_ms`;
    return this.statements.all<Columns>(sql, vehicleId).map(object);
  }

  /** All objects, in pages by id, for `check`. */
  after(id: number, limit: number): StoredObject[] {
    return this.statements
      .all<Columns>(`${SELECT} WHERE o.id > ? ORDER BY o.id LIMIT ?`, id, limit)
      .map(object);
  }

  /** All verified objects of a lens in order of time, in pages, for `check`. */
  verifiedAfter(
    lensId: number,
    after: Pick<StoredObject, 'startMs' | 'id'> | undefined,
    limit: number,
  ): StoredObject[] {
    const sql = `${SELECT} WHERE o.lens_id = @lensId AND o.state = 'verified' AND o.start_ms >= @startMs
      AND (o.start_ms, o.id) > (@startMs, @id) ORDER BY o.start_ms, o.id LIMIT @limit`;
    const { startMs, id } = after ?? { startMs: -1, id: 0 };
    return this.statements.all<Columns>(sql, { lensId, startMs, id, limit }).map(object);
  }

  /** Verified objects behind `after` in the order in which retention gives them up, the oldest first. */
  oldest(
    after: { readonly ageFromMs: EpochMs; readonly id: number } | undefined,
    limit: number,
  ): StoredObject[] {
    const sql = `${SELECT} WHERE o.state = 'verified' AND o.age_from_ms >= @ageFromMs
      AND (o.age_from_ms, o.id) > (@ageFromMs, @id) ORDER BY o.age_from_ms, o.id LIMIT @limit`;
    return this.statements.all<Columns>(sql, { ageFromMs: 0, id: 0, ...after, limit }).map(object);
  }

  /** Objects that ended in `range`, were never finished, and of which nothing is on its way. */
  abandoned(range: Range, limit: number): StoredObject[] {
    const sql = `${SELECT} WHERE o.state = 'receiving' AND o.end_ms >= ? AND o.end_ms < ?
      AND NOT EXISTS (SELECT 1 FROM transfer t WHERE t.object_id = o.id) ORDER BY o.id LIMIT ?`;
    return this.statements.all<Columns>(sql, range.startMs, range.endMs, limit).map(object);
  }

  /** Extents of objects of a lens that were not what the vehicle says at least `failures` times. */
  unprovable(lensId: number, range: Range, failures: number): Range[] {
    const sql = `SELECT o.start_ms AS startMs, o.end_ms AS endMs FROM object o
      WHERE ${OVERLAPPING} AND o.state = 'receiving' AND o.failures >= ?`;
    return this.statements.all(sql, lensId, range.startMs, range.endMs, range.startMs, failures);
  }

  /** What the verified objects of a lens cover inside `range`, by what was measured of each. */
  measured(lensId: number, range: Range): RangeSet {
    const covered = this.verified(lensId, range).flatMap((one) => [...coverageOfObject(one)]);
    return RangeSet.from(covered).within(range);
  }

  /** Receipts of a vehicle after `seq`, oldest first. */
  receipts(vehicleId: number, afterSeq: number, limit: number): { seq: number; object: StoredObject }[] {
    const sql = `${SELECT.replace('SELECT', 'SELECT o.receipt_seq,')} WHERE l.vehicle_id = ? AND o.receipt_seq > ?
      ORDER BY o.receipt_seq LIMIT ?`;
    return this.statements
      .all<Columns & { receipt_seq: number }>(sql, vehicleId, afterSeq, limit)
      .map((row) => ({ seq: row.receipt_seq, object: object(row) }));
  }
}

export interface NewObject {
  readonly lensId: number;
  readonly runId: number;
  readonly seq: number;
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
}

export interface Verified {
  readonly sizeBytes: number;
  readonly path: string;
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
  readonly firstFragment: number;
  readonly fragmentCount: number;
  readonly fragments: Uint8Array;
  readonly fetchedBytes: number;
  readonly holes: RangeSet;
  readonly verifiedMs: EpochMs;
}

export class ObjectWriter extends ObjectReader {
  /** Finds an object or adds it as receiving. */
  ensure(made: NewObject): number {
    this.statements.run(
      `INSERT INTO object (lens_id, run_id, seq, state, start_ms, end_ms) VALUES (?, ?, ?, 'receiving', ?, ?)
       ON CONFLICT (run_id, seq) DO NOTHING`,
      made.lensId,
      made.runId,
      made.seq,
      made.startMs,
      made.endMs,
    );
    return this.statements.get<{ id: number }>(
      'SELECT id FROM object WHERE run_id = ? AND seq = ?',
      made.runId,
      made.seq,
    )!.id;
  }

  /** A fragment that arrived tells more of a receiving object's extent, which never gets longer than a segment may be. */
  grow(id: number, extent: Range): void {
    this.statements.run(
      `UPDATE object SET start_ms = min(start_ms, @startMs), end_ms = max(end_ms, @endMs)
       WHERE id = @id AND state = 'receiving' AND size_bytes IS NULL
         AND max(end_ms, @endMs) - min(start_ms, @startMs) <= ${MAX_SEGMENT_MS}`,
      { id, startMs: extent.startMs, endMs: extent.endMs },
    );
  }

  /** Notes what the vehicle says the object must be. */
  expect(
    id: number,
    expected: { sizeBytes: number; sha256: string; startMs: EpochMs; endMs: EpochMs },
  ): void {
    this.statements.run(
      "UPDATE object SET size_bytes = ?, sha256 = ?, start_ms = ?, end_ms = ? WHERE id = ? AND state = 'receiving'",
      expected.sizeBytes,
      digest(expected.sha256),
      expected.startMs,
      expected.endMs,
      id,
    );
  }

  /** The object is proven and in place: its receipt is due. */
  verify(object: StoredObject, verified: Verified): void {
    assert(object.state === 'receiving', 'an object is verified once');
    this.statements.run(
      `UPDATE object SET state = 'verified', size_bytes = ?, path = ?, start_ms = ?, end_ms = ?, first_fragment = ?,
         fragment_count = ?, fragments = ?, fetched_bytes = ?, holes = ?, verified_ms = ?, age_from_ms = ?
         WHERE id = ?`,
      verified.sizeBytes,
      verified.path,
      verified.startMs,
      verified.endMs,
      verified.firstFragment,
      verified.fragmentCount,
      verified.fragments,
      verified.fetchedBytes,
      JSON.stringify(verified.holes.ranges),
      verified.verifiedMs,
      ageFromMs(verified),
      object.id,
    );
    this.#countStored(object.lensId, verified.sizeBytes);
    this.dueReceipt(object);
    this.statements.run('DELETE FROM piece WHERE object_id = ?', object.id);
    this.statements.run('DELETE FROM transfer WHERE object_id = ?', object.id);
  }

  /** The vehicle is to be told that the object is verified, also if it has been told before and does not know it any more. */
  dueReceipt(object: Pick<StoredObject, 'id' | 'lensId'>): void {
    const due = this.statements.get(
      'SELECT 1 FROM object WHERE id = ? AND receipt_seq IS NOT NULL',
      object.id,
    );
    if (due) return;
    const { seq } = this.statements.get<{ seq: number }>(
      `UPDATE vehicle SET receipt_seq = receipt_seq + 1 WHERE id = (SELECT vehicle_id FROM lens WHERE id = ?)
       RETURNING receipt_seq AS seq`,
      object.lensId,
    )!;
    this.statements.run('UPDATE object SET receipt_seq = ? WHERE id = ?', seq, object.id);
  }

  /** The object was put together and was not what the vehicle says. */
  countFailure(id: number): void {
    this.statements.run('UPDATE object SET failures = failures + 1 WHERE id = ?', id);
  }

  /** Somebody wants objects of a range to be tried again although they were not what the vehicle says. */
  forgive(lensId: number, range: Range): void {
    this.statements.run(
      `UPDATE object AS o SET failures = 0 WHERE o.state = 'receiving' AND o.failures > 0 AND ${OVERLAPPING}`,
      lensId,
      range.startMs,
      range.endMs,
      range.startMs,
    );
  }

  /** The vehicle has noted all receipts through `seq`. */
  acknowledgeReceipts(vehicleId: number, seq: number): void {
    this.statements.run(
      'UPDATE object SET receipt_seq = NULL WHERE receipt_seq <= ? AND lens_id IN (SELECT id FROM lens WHERE vehicle_id = ?)',
      seq,
      vehicleId,
    );
  }

  /** Forgets an object with its pieces and its transfer; its file is the caller's. */
  remove(object: Pick<StoredObject, 'id' | 'lensId' | 'state' | 'expected'>): void {
    this.statements.run('DELETE FROM object WHERE id = ?', object.id);
    if (object.state === 'verified') this.#countStored(object.lensId, -object.expected!.sizeBytes);
  }

  #countStored(lensId: number, bytes: number): void {
    this.statements.run('UPDATE lens SET stored_bytes = stored_bytes + ? WHERE id = ?', bytes, lensId);
  }
}

/** The instants for which a verified object has a picture. One that nobody measured is taken to have no holes. */
export function coverageOfObject({ startMs, endMs, holes }: StoredObject): RangeSet {
  return (holes ?? RangeSet.empty).complementWithin({ startMs, endMs });
}

function object(row: Columns): StoredObject {
  return {
    id: row.id,
    lensId: row.lens_id,
    runId: row.run_id,
    lens: parseLensName(row.lens),
    run: parseRunId(row.run),
    seq: row.seq,
    state: row.state,
    startMs: row.start_ms,
    endMs: row.end_ms,
    expected:
      row.size_bytes === null || row.sha256 === null
        ? undefined
        : { sizeBytes: row.size_bytes, sha256: hex(row.sha256) },
    path: row.path ?? undefined,
    fragments: row.fragments ?? undefined,
    fetchedBytes: row.fetched_bytes,
    holes: row.holes === null ? undefined : RangeSet.from(JSON.parse(row.holes) as Range[]),
    failures: row.failures,
    verifiedMs: row.verified_ms ?? undefined,
    ageFromMs: row.age_from_ms ?? undefined,
  };
}

function digest(sha256: string): Uint8Array {
  const bytes = fromHex(sha256, 32);
  assert(bytes, 'a SHA-256 in hex');
  return bytes;
}

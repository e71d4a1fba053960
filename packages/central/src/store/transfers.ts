import type { Range } from '@gapless/shared/interval';
import type { ByteRange, Manifest } from '@gapless/shared/protocol';
import { MAX_SEGMENT_MS } from '@gapless/shared/protocol';
import type { Statements } from '@gapless/shared/sqlite';
import type { EpochMs } from '@gapless/shared/time';

export const transferStates = ['queued', 'asked', 'offered', 'sending', 'verifying', 'backing-off'] as const;
export type TransferState = (typeof transferStates)[number];

/** The movement of the missing bytes of one object. */
export interface Transfer {
  readonly id: string;
  readonly requestId: string;
  readonly objectId: number;
  readonly state: TransferState;
  /** Of the lease; messages of an older one are refused. */
  readonly generation: number;
  /** Of the segment file. */
  readonly bytes: readonly ByteRange[];
  readonly totalBytes: number;
  readonly manifest: Manifest | undefined;
  readonly ackedBytes: number;
  readonly attempts: number;
  readonly notBeforeMs: EpochMs | undefined;
  readonly lastError: string | undefined;
}

interface Columns {
  id: string;
  request_id: string;
  object_id: number;
  state: TransferState;
  generation: number;
  bytes: string;
  total_bytes: number;
  manifest: string | null;
  acked_bytes: number;
  attempts: number;
  not_before_ms: number | null;
  last_error: string | null;
}

// An object is never longer than MAX_SEGMENT_MS, so those that overlap begin in one short stretch of the index.
const OVERLAPPING = `FROM object o JOIN transfer t ON t.object_id = o.id WHERE o.state = 'receiving' AND o.lens_id = ?
  AND o.start_ms > ? - ${MAX_SEGMENT_MS} AND o.start_ms < ? AND o.end_ms > ?`;

export class TransferReader {
  protected readonly statements: Statements;

  constructor(statements: Statements) {
    this.statements = statements;
  }

  byId(id: string): Transfer | undefined {
    const row = this.statements.get<Columns>('SELECT * FROM transfer WHERE id = ?', id);
    return row && transfer(row);
  }

  ofObject(objectId: number): Transfer | undefined {
    const row = this.statements.get<Columns>('SELECT * FROM transfer WHERE object_id = ?', objectId);
    return row && transfer(row);
  }

  ofRequest(requestId: string): Transfer[] {
    return this.statements
      .all<Columns>('SELECT * FROM transfer WHERE request_id = ?', requestId)
      .map(transfer);
  }

  /** Transfers of a vehicle that could start now: by priority of their request, then the newest footage first. */
  next(vehicleId: number, nowMs: EpochMs, limit: number): Transfer[] {
    const sql = `SELECT t.* FROM transfer t JOIN object o ON o.id = t.object_id JOIN lens l ON l.id = o.lens_id
      JOIN request r ON r.id = t.request_id
      WHERE l.vehicle_id = ? AND o.state = 'receiving' AND t.state IN ('queued', 'backing-off') AND coalesce(t.not_before_ms, 0) <= ?
        AND o.sha256 IS NOT NULL AND r.state NOT IN ('paused')
      ORDER BY r.priority DESC, o.start_ms DESC LIMIT ?`;
    return this.statements.all<Columns>(sql, vehicleId, nowMs, limit).map(transfer);
  }

  /** Extents of a lens's objects in `window` whose bytes are under way. */
  extentsUnderWay(lensId: number, window: Range): Range[] {
    const sql = `SELECT o.start_ms AS startMs, o.end_ms AS endMs ${OVERLAPPING} AND t.state IN ('sending', 'verifying')`;
    return this.statements.all<Range>(sql, lensId, window.startMs, window.endMs, window.startMs);
  }

  /** Whether anything of a lens in `window` waits or is under way, for whatever request. */
  isAnyQueued(lensId: number, window: Range): boolean {
    const sql = `SELECT 1 ${OVERLAPPING} LIMIT 1`;
    return this.statements.get(sql, lensId, window.startMs, window.endMs, window.startMs) !== undefined;
  }

  /** When the earliest transfer that rests beyond `nowMs` may be tried again. */
  earliestRetryMs(vehicleId: number, nowMs: EpochMs): EpochMs | undefined {
    const sql = `SELECT min(t.not_before_ms) AS at FROM transfer t JOIN object o ON o.id = t.object_id
      JOIN lens l ON l.id = o.lens_id WHERE l.vehicle_id = ? AND o.state = 'receiving' AND t.state = 'backing-off' AND t.not_before_ms > ?`;
    return this.statements.get<{ at: number | null }>(sql, vehicleId, nowMs)?.at ?? undefined;
  }
}

export class TransferWriter extends TransferReader {
  /** Queues a transfer; if the object has one already, that one stays and goes to whichever request is more urgent. */
  add(made: Pick<Transfer, 'id' | 'requestId' | 'objectId' | 'bytes'>): void {
    this.statements.run(
      `INSERT INTO transfer (id, request_id, object_id, state, bytes, total_bytes) VALUES (?, ?, ?, 'queued', ?, ?)
       ON CONFLICT (object_id) DO UPDATE SET request_id = excluded.request_id
         WHERE (SELECT priority FROM request WHERE id = excluded.request_id) > (SELECT priority FROM request WHERE id = transfer.request_id)`,
      made.id,
      made.requestId,
      made.objectId,
      JSON.stringify(made.bytes),
      totalOf(made.bytes),
    );
  }

  /** Begins a new lease: the next generation. */
  lease(id: string): number {
    const sql =
      "UPDATE transfer SET generation = generation + 1, state = 'asked', not_before_ms = NULL WHERE id = ? RETURNING generation";
    return this.statements.get<{ generation: number }>(sql, id)?.generation ?? 0;
  }

  /** Some of the bytes came another way before any was sent. */
  setBytes(id: string, bytes: readonly ByteRange[]): void {
    this.statements.run(
      'UPDATE transfer SET bytes = ?, total_bytes = ? WHERE id = ?',
      JSON.stringify(bytes),
      totalOf(bytes),
      id,
    );
  }

  /** All bytes are here and are being proven. */
  beginProof(id: string): void {
    this.statements.run("UPDATE transfer SET state = 'verifying' WHERE id = ?", id);
  }

  setManifest(id: string, manifest: Manifest): void {
    this.statements.run(
      "UPDATE transfer SET manifest = ?, state = 'offered' WHERE id = ?",
      JSON.stringify(manifest),
      id,
    );
  }

  setAcked(id: string, ackedBytes: number): void {
    this.statements.run(
      "UPDATE transfer SET acked_bytes = ?, state = 'sending' WHERE id = ?",
      ackedBytes,
      id,
    );
  }

  backOff(id: string, failure: { notBeforeMs: EpochMs; lastError: string }): void {
    this.statements.run(
      "UPDATE transfer SET state = 'backing-off', attempts = attempts + 1, not_before_ms = ?, last_error = ? WHERE id = ?",
      failure.notBeforeMs,
      failure.lastError.slice(0, 500),
      id,
    );
  }

  /** With a new link whatever was under way starts again, and whatever rested after failures over the old one. */
  requeue(vehicleId: number): void {
    this.statements.run(
      `UPDATE transfer SET state = 'queued', not_before_ms = NULL WHERE state <> 'queued' AND object_id IN
         (SELECT o.id FROM object o JOIN lens l ON l.id = o.lens_id WHERE l.vehicle_id = ? AND o.state = 'receiving')`,
      vehicleId,
    );
  }

  remove(id: string): void {
    this.statements.run('DELETE FROM transfer WHERE id = ?', id);
  }
}

function totalOf(bytes: readonly ByteRange[]): number {
  return bytes.reduce((sum, { from, to }) => sum + to - from, 0);
}

function transfer(row: Columns): Transfer {
  return {
    id: row.id,
    requestId: row.request_id,
    objectId: row.object_id,
    state: row.state,
    generation: row.generation,
    bytes: JSON.parse(row.bytes) as ByteRange[],
    totalBytes: row.total_bytes,
    manifest: row.manifest === null ? undefined : (JSON.parse(row.manifest) as Manifest),
    ackedBytes: row.acked_bytes,
    attempts: row.attempts,
    notBeforeMs: row.not_before_ms ?? undefined,
    lastError: row.last_error ?? undefined,
  };
}

import type { Range } from '@gapless/shared/interval';
import { RangeSet } from '@gapless/shared/interval';
import type { Statements } from '@gapless/shared/sqlite';
import type { EpochMs } from '@gapless/shared/time';

export const requestModes = ['online', 'scheduled', 'manual'] as const;
export type RequestMode = (typeof requestModes)[number];

/** `waiting`, `listing`, `transferring` and `paused` are under way; the others are how a request ends. */
export const requestStates = [
  'waiting',
  'listing',
  'transferring',
  'paused',
  'done',
  'partly-done',
  'failed',
  'cancelled',
  'expired',
] as const;
export type RequestState = (typeof requestStates)[number];

/** Why a request waits or how it ended; each has its words in `docs/guide/reasons.md`. */
export const requestReasons = [
  'VEHICLE_OFFLINE',
  'VEHICLE_BUSY',
  'STILL_RECORDING',
  'PAUSED_BY_USER',
  'CANCELLED_BY_USER',
  'NOTHING_MISSING',
  'NEVER_RECORDED',
  'NO_SIGNAL',
  'OVERWRITTEN',
  'DAMAGED',
  'FAILED_TRANSFER',
  'FAILED_VERIFY',
  'EXPIRED',
] as const;
export type RequestReason = (typeof requestReasons)[number];

/** Central's ask for ranges of a lens. */
export interface CompletionRequest {
  readonly id: string;
  readonly lensId: number;
  readonly mode: RequestMode;
  readonly state: RequestState;
  readonly reason: RequestReason | undefined;
  readonly ranges: RangeSet;
  readonly priority: number;
  readonly createdMs: EpochMs;
  readonly createdBy: string;
  readonly expiresMs: EpochMs | undefined;
  readonly finishedMs: EpochMs | undefined;
  readonly attempts: number;
  readonly sentBytes: number;
  /** Of what was asked with its idempotency key. */
  readonly fingerprint: string | undefined;
}

interface Columns {
  id: string;
  lens_id: number;
  mode: RequestMode;
  state: RequestState;
  reason: RequestReason | null;
  priority: number;
  created_ms: number;
  created_by: string;
  expires_ms: number | null;
  finished_ms: number | null;
  attempts: number;
  sent_bytes: number;
  fingerprint: string | null;
}

/** Behind every id. */
const LAST_ID = 'req_~';

export class RequestReader {
  protected readonly statements: Statements;

  constructor(statements: Statements) {
    this.statements = statements;
  }

  byId(id: string): CompletionRequest | undefined {
    const row = this.statements.get<Columns>('SELECT * FROM request WHERE id = ?', id);
    return row && this.#request(row);
  }

  byIdempotencyKey(key: string): CompletionRequest | undefined {
    const row = this.statements.get<Columns>('SELECT * FROM request WHERE idempotency_key = ?', key);
    return row && this.#request(row);
  }

  /** The newest requests before the one with the id `beforeId`, newest first: ids sort by time. */
  newest(beforeId: string | undefined, limit: number): CompletionRequest[] {
    const rows = this.statements.all<Columns>(
      'SELECT * FROM request WHERE id < ? ORDER BY id DESC LIMIT ?',
      beforeId ?? LAST_ID,
      limit,
    );
    return rows.map((row) => this.#request(row));
  }

  /** Requests that wait in vain: their time was up at `nowMs`. */
  expired(nowMs: EpochMs): CompletionRequest[] {
    const sql = 'SELECT * FROM request WHERE finished_ms IS NULL AND expires_ms <= ? ORDER BY expires_ms, id';
    return this.statements.all<Columns>(sql, nowMs).map((row) => this.#request(row));
  }

  /** Requests of a vehicle that have not ended, highest priority and then newest first. */
  active(vehicleId: number): CompletionRequest[] {
    const sql = `SELECT r.* FROM request r JOIN lens l ON l.id = r.lens_id
      WHERE l.vehicle_id = ? AND r.finished_ms IS NULL ORDER BY r.priority DESC, r.created_ms DESC`;
    return this.statements.all<Columns>(sql, vehicleId).map((row) => this.#request(row));
  }

  /** What is asked for of a lens and not settled. */
  activeRanges(lensId: number): RangeSet {
    const sql = `SELECT rr.start_ms AS startMs, rr.end_ms AS endMs FROM request r JOIN request_range rr ON rr.request_id = r.id
      WHERE r.lens_id = ? AND r.finished_ms IS NULL`;
    return RangeSet.from(this.statements.all<Range>(sql, lensId));
  }

  /** The online request of a lens that is still growing, if there is one. */
  openOnline(lensId: number): CompletionRequest | undefined {
    const row = this.statements.get<Columns>(
      "SELECT * FROM request WHERE lens_id = ? AND finished_ms IS NULL AND mode = 'online' ORDER BY created_ms DESC LIMIT 1",
      lensId,
    );
    return row && this.#request(row);
  }

  #request(row: Columns): CompletionRequest {
    const sql =
      'SELECT start_ms AS startMs, end_ms AS endMs FROM request_range WHERE request_id = ? ORDER BY start_ms';
    return {
      id: row.id,
      lensId: row.lens_id,
      mode: row.mode,
      state: row.state,
      reason: row.reason ?? undefined,
      ranges: RangeSet.from(this.statements.all<Range>(sql, row.id)),
      priority: row.priority,
      createdMs: row.created_ms,
      createdBy: row.created_by,
      expiresMs: row.expires_ms ?? undefined,
      finishedMs: row.finished_ms ?? undefined,
      attempts: row.attempts,
      sentBytes: row.sent_bytes,
      fingerprint: row.fingerprint ?? undefined,
    };
  }
}

export interface NewRequest {
  readonly id: string;
  readonly lensId: number;
  readonly mode: RequestMode;
  readonly state: RequestState;
  readonly reason?: RequestReason;
  readonly ranges: RangeSet;
  readonly priority: number;
  readonly createdMs: EpochMs;
  readonly createdBy: string;
  readonly expiresMs?: EpochMs | undefined;
  readonly idempotency?: { readonly key: string; readonly fingerprint: string } | undefined;
}

export class RequestWriter extends RequestReader {
  add(request: NewRequest): void {
    this.statements.run(
      `INSERT INTO request (id, lens_id, mode, state, reason, priority, created_ms, created_by, expires_ms, idempotency_key,
         fingerprint) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      request.id,
      request.lensId,
      request.mode,
      request.state,
      request.reason ?? null,
      request.priority,
      request.createdMs,
      request.createdBy,
      request.expiresMs ?? null,
      request.idempotency?.key ?? null,
      request.idempotency?.fingerprint ?? null,
    );
    this.setRanges(request.id, request.ranges);
  }

  setRanges(id: string, ranges: RangeSet): void {
    this.statements.run('DELETE FROM request_range WHERE request_id = ?', id);
    for (const r of ranges)
      this.statements.run('INSERT INTO request_range VALUES (?, ?, ?)', id, r.startMs, r.endMs);
  }

  setState(id: string, state: RequestState, reason: RequestReason | undefined): void {
    this.statements.run(
      'UPDATE request SET state = ?, reason = ? WHERE id = ? AND finished_ms IS NULL',
      state,
      reason ?? null,
      id,
    );
  }

  /** Ends a request; its transfers end with it. */
  finish(
    id: string,
    end: { state: RequestState; reason: RequestReason | undefined; finishedMs: EpochMs },
  ): void {
    this.statements.run(
      'UPDATE request SET state = ?, reason = ?, finished_ms = ? WHERE id = ? AND finished_ms IS NULL',
      end.state,
      end.reason ?? null,
      end.finishedMs,
      id,
    );
    this.statements.run('DELETE FROM transfer WHERE request_id = ?', id);
  }

  /** Another listing or transfer of it brought nothing; returns how many did so in a row. */
  countFruitless(id: string): number {
    const sql = 'UPDATE request SET attempts = attempts + 1 WHERE id = ? RETURNING attempts';
    return this.statements.get<{ attempts: number }>(sql, id)?.attempts ?? 0;
  }

  /** Something of it came. */
  countFruitful(id: string): void {
    this.statements.run('UPDATE request SET attempts = 0 WHERE id = ? AND attempts > 0', id);
  }

  /** The vehicle went away, or is back: says of its requests why they wait. */
  setOffline(vehicleId: number, offline: boolean): void {
    this.statements.run(
      `UPDATE request SET reason = @after WHERE finished_ms IS NULL AND reason IS @before
         AND lens_id IN (SELECT id FROM lens WHERE vehicle_id = @vehicleId)`,
      offline
        ? { vehicleId, before: null, after: 'VEHICLE_OFFLINE' }
        : { vehicleId, before: 'VEHICLE_OFFLINE', after: null },
    );
  }

  countSent(id: string, bytes: number): void {
    this.statements.run('UPDATE request SET sent_bytes = sent_bytes + ? WHERE id = ?', bytes, id);
  }
}

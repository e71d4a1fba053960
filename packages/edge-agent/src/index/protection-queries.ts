import type { LensName } from '@gapless/shared/ids';
import { parseLensName } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import { MAX_SEGMENT_MS } from '@gapless/shared/protocol';
import type { Statements } from '@gapless/shared/sqlite';
import type { EpochMs } from '@gapless/shared/time';
import type { ProtectionRecord } from './rows.js';

interface Columns {
  lens: string;
  holder: string;
  start_ms: number;
  end_ms: number;
  reason: string;
  made_ms: number;
  expires_ms: number | null;
}

const SELECT = `SELECT l.name AS lens, p.holder, p.start_ms, p.end_ms, p.reason, p.made_ms, p.expires_ms
  FROM protection p JOIN lens l ON l.id = p.lens_id`;

export class ProtectionQueries {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** All pins, by lens, start and holder. */
  all(): ProtectionRecord[] {
    return this.#statements.all<Columns>(`${SELECT} ORDER BY l.name, p.start_ms, p.holder`).map(record);
  }

  /** Pins of a lens, by start and holder. */
  ofLens(lens: LensName): ProtectionRecord[] {
    return this.#statements
      .all<Columns>(`${SELECT} WHERE l.name = ? ORDER BY p.start_ms, p.holder`, lens)
      .map(record);
  }

  /** The lenses of the pins that have expired. */
  expired(nowMs: EpochMs): LensName[] {
    return this.#statements
      .all<{ name: string }>(
        'SELECT DISTINCT l.name FROM protection p JOIN lens l ON l.id = p.lens_id WHERE p.expires_ms <= ?',
        nowMs,
      )
      .map(({ name }) => parseLensName(name));
  }

  /** Bytes of all segments that are protected. */
  protectedBytes(): number {
    return this.#statements.get<{ total: number }>(
      'SELECT coalesce(sum(protected_bytes), 0) AS total FROM lens',
    )!.total;
  }

  /** Bytes of the segments that overlap `range` and are not protected yet. */
  unprotectedBytes(lens: LensName, range: Range): number {
    return this.#statements.get<{ total: number }>(
      `SELECT coalesce(sum(size_bytes), 0) AS total FROM segment
       WHERE lens_id = (SELECT id FROM lens WHERE name = ?) AND start_ms > ? - ${MAX_SEGMENT_MS} AND start_ms < ?
         AND end_ms > ? AND protected = 0`,
      lens,
      range.startMs,
      range.endMs,
      range.startMs,
    )!.total;
  }
}

function record(row: Columns): ProtectionRecord {
  return {
    lens: parseLensName(row.lens),
    holder: row.holder,
    startMs: row.start_ms,
    endMs: row.end_ms,
    reason: row.reason,
    madeMs: row.made_ms,
    expiresMs: row.expires_ms ?? undefined,
  };
}

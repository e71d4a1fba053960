import { assert } from '@gapless/shared/errors';
import type { LensName, RunId } from '@gapless/shared/ids';
import { fromHex } from '@gapless/shared/ids';
import type { RunEndReason } from '@gapless/shared/protocol';
import type { Statements } from '@gapless/shared/sqlite';
import type { EpochMs } from '@gapless/shared/time';
import type { NewRun, SegmentRecord } from './rows.js';

/** How the rows of runs and segments are written, inside a transaction of whoever writes them. */
export class SegmentStatements {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** The next value of the counter of changes. */
  nextChange(): number {
    const sql =
      "UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'change_seq' RETURNING CAST(value AS INTEGER) AS seq";
    return this.#statements.get<{ seq: number }>(sql)!.seq;
  }

  requireLens(lens: LensName): void {
    this.#statements.run('INSERT INTO lens (name) VALUES (?) ON CONFLICT DO NOTHING', lens);
  }

  /** Returns the run's place among the runs of the box. */
  beginRun(run: NewRun, changeSeq: number): number {
    this.requireLens(run.lens);
    const row = this.#statements.get<{ id: number }>(
      `INSERT INTO run (lens_id, name, boot_id, monotonic_ms, clock_trusted, start_ms, codecs, width, height, change_seq)
       VALUES ((SELECT id FROM lens WHERE name = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
      run.lens,
      run.run,
      run.bootId,
      Math.round(run.monotonicMs),
      run.clockTrusted ? 1 : 0,
      run.startMs,
      JSON.stringify(run.codecs),
      run.width ?? null,
      run.height ?? null,
      changeSeq,
    );
    return row!.id;
  }

  endRun(
    { lens, run }: { readonly lens: LensName; readonly run: RunId },
    end: { readonly endMs: EpochMs; readonly reason: RunEndReason },
    changeSeq: number,
  ): void {
    const changed = this.#statements.run(
      `UPDATE run SET end_ms = max(start_ms, ?), end_reason = ?, change_seq = ?
       WHERE lens_id = (SELECT id FROM lens WHERE name = ?) AND name = ? AND end_ms IS NULL`,
      end.endMs,
      end.reason,
      changeSeq,
      lens,
      run,
    );
    assert(changed === 1, `run ${lens}/${run} is open`);
  }

  /** @param adoptedFile whose media it is made of; `undefined` for what the agent recorded itself */
  addSegment(segment: SegmentRecord, changeSeq: number, adoptedFile?: number): void {
    const added = this.#statements.run(
      `INSERT INTO segment (lens_id, start_ms, run_id, seq, end_ms, file_start_ms, size_bytes, sha256, first_fragment,
         fragment_count, fragments, holes, receipted, change_seq, adopted_file)
       SELECT r.lens_id, ?, r.id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
       FROM run r JOIN lens l ON l.id = r.lens_id WHERE l.name = ? AND r.name = ?`,
      segment.startMs,
      segment.seq,
      segment.endMs,
      segment.fileStartMs,
      segment.sizeBytes,
      digest(segment.sha256),
      segment.firstFragment,
      segment.fragmentCount,
      segment.fragments,
      segment.holes.length === 0 ? null : JSON.stringify(segment.holes),
      segment.receipted ? 1 : 0,
      changeSeq,
      adoptedFile ?? null,
      segment.lens,
      segment.run,
    );
    assert(added === 1, `run ${segment.lens}/${segment.run} is known`);
  }
}

/** A hash as the database has it. */
export function digest(sha256: string): Uint8Array {
  const bytes = fromHex(sha256, 32);
  assert(bytes, 'a SHA-256 in hex');
  return bytes;
}

import { assert } from '@gapless/shared/errors';
import { fromHex, hex } from '@gapless/shared/ids';
import type { Database } from '@gapless/shared/sqlite';
import { GroupCommit, Statements } from '@gapless/shared/sqlite';
import type { Clock, EpochMs } from '@gapless/shared/time';
import { z } from 'zod';
import type { UploadRequest } from '../request.js';
import { planSchema, sourceSchema } from '../request.js';
import type { ItemFacts, ItemFailure, ItemRecord, UploadRecord } from './rows.js';

interface UploadColumns {
  id: string;
  made_ms: number;
  plan: string;
  state: UploadRecord['state'];
  ended_ms: number | null;
}

interface ItemColumns {
  seq: number;
  source: string;
  name: string;
  state: ItemRecord['state'];
  fingerprint: string | null;
  path: string | null;
  size_bytes: number | null;
  sha256: Uint8Array | null;
  saved_bytes: number | null;
  error: string | null;
}

const failureSchema = z.object({ code: z.string(), message: z.string(), hint: z.string().optional() });

const FACTS = 'fingerprint = ?, path = ?, size_bytes = ?, sha256 = ?, saved_bytes = ?';

/** The rows of uploads. What a method has resolved for survives a power cut. */
export class UploadStore implements Disposable {
  readonly #statements: Statements;
  readonly #commits: GroupCommit;

  constructor(database: Database, clock: Clock) {
    this.#statements = new Statements(database);
    this.#commits = new GroupCommit(database, clock);
  }

  /** Commits what is waiting. */
  [Symbol.dispose](): void {
    this.#commits[Symbol.dispose]();
  }

  add(id: string, madeMs: EpochMs, request: UploadRequest, names: readonly string[]): Promise<void> {
    return this.#commits.write(() => {
      const plan = JSON.stringify(request.plan);
      this.#statements.run(
        "INSERT INTO upload (id, made_ms, plan, state) VALUES (?, ?, ?, 'queued')",
        id,
        madeMs,
        plan,
      );
      request.sources.forEach((source, seq) => {
        this.#statements.run(
          "INSERT INTO item (upload_id, seq, source, name, state) VALUES (?, ?, ?, ?, 'queued')",
          ...[id, seq, JSON.stringify(source), names[seq]],
        );
      });
    });
  }

  get(id: string): UploadRecord | undefined {
    const row = this.#statements.get<UploadColumns>('SELECT * FROM upload WHERE id = ?', id);
    return row && uploadOf(row);
  }

  /** The newest first. */
  newest(limit: number): UploadRecord[] {
    return this.#statements
      .all<UploadColumns>('SELECT * FROM upload ORDER BY id DESC LIMIT ?', limit)
      .map(uploadOf);
  }

  /** Those that have not ended, in the order in which they were made. */
  open(): UploadRecord[] {
    return this.#statements
      .all<UploadColumns>('SELECT * FROM upload WHERE ended_ms IS NULL ORDER BY id')
      .map(uploadOf);
  }

  items(id: string): ItemRecord[] {
    return this.#statements
      .all<ItemColumns>('SELECT * FROM item WHERE upload_id = ? ORDER BY seq', id)
      .map(itemOf);
  }

  item(id: string, seq: number): ItemRecord | undefined {
    const row = this.#statements.get<ItemColumns>(
      'SELECT * FROM item WHERE upload_id = ? AND seq = ?',
      id,
      seq,
    );
    return row && itemOf(row);
  }

  setState(id: string, state: 'queued' | 'paused'): Promise<void> {
    return this.#commits.write(() => {
      this.#statements.run('UPDATE upload SET state = ? WHERE id = ? AND ended_ms IS NULL', state, id);
    });
  }

  /** Ends an upload; what has not ended of it is cancelled. */
  end(id: string, state: 'done' | 'failed' | 'cancelled', nowMs: EpochMs): Promise<void> {
    return this.#commits.write(() => {
      this.#statements.run(
        "UPDATE item SET state = 'cancelled' WHERE upload_id = ? AND state IN ('queued', 'publishing')",
        id,
      );
      this.#statements.run(
        'UPDATE upload SET state = ?, ended_ms = ? WHERE id = ? AND ended_ms IS NULL',
        ...[state, nowMs, id],
      );
    });
  }

  /** An item was read: what it is. Whatever was known of former content of its source counts no more. */
  describe(id: string, seq: number, facts: ItemFacts): Promise<void> {
    return this.#commits.write(() => {
      const sha256 = fromHex(facts.sha256, 32);
      assert(sha256, 'a SHA-256 in hex');
      this.#statements.run(
        `UPDATE item SET state = 'queued', ${FACTS} WHERE upload_id = ? AND seq = ?`,
        ...[facts.fingerprint, facts.path, facts.sizeBytes, sha256, facts.savedBytes, id, seq],
      );
    });
  }

  setItemState(id: string, seq: number, state: 'publishing' | 'verified'): Promise<void> {
    return this.#commits.write(() => {
      this.#statements.run('UPDATE item SET state = ? WHERE upload_id = ? AND seq = ?', state, id, seq);
    });
  }

  failItem(id: string, seq: number, failure: ItemFailure): Promise<void> {
    return this.#commits.write(() => {
      this.#statements.run(
        "UPDATE item SET state = 'failed', error = ? WHERE upload_id = ? AND seq = ?",
        ...[JSON.stringify(failure), id, seq],
      );
    });
  }

  /** Forgets uploads that ended before `untilMs`. */
  forget(untilMs: EpochMs): Promise<number> {
    return this.#commits.write(() => this.#statements.run('DELETE FROM upload WHERE ended_ms < ?', untilMs));
  }
}

function uploadOf(row: UploadColumns): UploadRecord {
  const { id, made_ms, plan, state, ended_ms } = row;
  return {
    id,
    madeMs: made_ms,
    plan: planSchema.parse(JSON.parse(plan)),
    state,
    endedMs: ended_ms ?? undefined,
  };
}

function itemOf(row: ItemColumns): ItemRecord {
  const { seq, source, name, state, fingerprint, path, size_bytes, sha256, saved_bytes, error } = row;
  const isDescribed = fingerprint !== null && path !== null && size_bytes !== null && sha256 !== null;
  return {
    ...{ seq, source: sourceSchema.parse(JSON.parse(source)), name, state },
    facts: isDescribed
      ? { fingerprint, path, sizeBytes: size_bytes, sha256: hex(sha256), savedBytes: saved_bytes ?? 0 }
      : undefined,
    failure: error === null ? undefined : failureSchema.parse(JSON.parse(error)),
  };
}

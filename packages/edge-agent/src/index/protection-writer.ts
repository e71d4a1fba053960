import type { LensName } from '@gapless/shared/ids';
import type { Commits, Statements } from '@gapless/shared/sqlite';
import type { EpochMs } from '@gapless/shared/time';
import { ProtectionQueries } from './protection-queries.js';
import type { ProtectionRecord } from './rows.js';

/** Pins that go and pins that come. */
export interface ProtectionChange {
  readonly remove: readonly ProtectionRecord[];
  readonly add: readonly ProtectionRecord[];
}

/** Changes which footage is protected. Which segments that concerns is kept by the triggers of the schema. */
export class ProtectionWriter {
  readonly #statements: Statements;
  readonly #commits: Commits;
  readonly #queries: ProtectionQueries;

  constructor(statements: Statements, commits: Commits) {
    this.#statements = statements;
    this.#commits = commits;
    this.#queries = new ProtectionQueries(statements);
  }

  /**
   * Changes the pins of a lens. `decide` gets them as they are and runs in the same transaction, so that nothing comes
   * between; what it throws leaves everything as it was.
   */
  change(
    lens: LensName,
    decide: (pins: readonly ProtectionRecord[]) => ProtectionChange,
  ): Promise<ProtectionChange> {
    return this.#commits.write(() => {
      const change = decide(this.#queries.ofLens(lens));
      for (const { holder, startMs } of change.remove) {
        this.#statements.run(
          `DELETE FROM protection WHERE lens_id = (SELECT id FROM lens WHERE name = ?) AND holder = ? AND start_ms = ?`,
          lens,
          holder,
          startMs,
        );
      }
      for (const pin of change.add) this.#add(pin);
      return change;
    });
  }

  /** Takes away the pins that have expired. */
  removeExpired(nowMs: EpochMs): Promise<number> {
    return this.#commits.write(() =>
      this.#statements.run('DELETE FROM protection WHERE expires_ms <= ?', nowMs),
    );
  }

  #add(pin: ProtectionRecord): void {
    this.#statements.run(
      `INSERT INTO protection (lens_id, holder, start_ms, end_ms, reason, made_ms, expires_ms)
       VALUES ((SELECT id FROM lens WHERE name = ?), ?, ?, ?, ?, ?, ?)`,
      pin.lens,
      pin.holder,
      pin.startMs,
      pin.endMs,
      pin.reason,
      pin.madeMs,
      pin.expiresMs ?? null,
    );
  }
}

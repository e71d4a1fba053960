import { toAppError } from '@gapless/shared/errors';
import type { StepHook } from '@gapless/shared/lifecycle';
import type { Log } from '@gapless/shared/log';
import type { Commits, Database } from '@gapless/shared/sqlite';
import { GroupCommit, SnapshotCommit, Statements, translate } from '@gapless/shared/sqlite';
import type { Clock, DurationMs } from '@gapless/shared/time';

/** More than a vehicle changes between two snapshots, by far. */
const RESERVED = 1_000_000;

export interface SnapshotsPort {
  readonly database: Database;
  readonly clock: Clock;
  /** `disk`: each change is written at once. */
  readonly mode: 'disk' | 'memory';
  readonly snapshotEvery: DurationMs;
  readonly step: StepHook;
  readonly log: Log;
}

/**
 * How the index is committed; in memory mode in snapshots. What central heard of between two of them may be lost in a crash, so each reserves change
 * sequences: after a crash the counter goes on behind all that may have been told, and never back.
 */
export function commitsOf({ database, clock, mode, snapshotEvery, step, log }: SnapshotsPort): Commits {
  if (mode === 'disk') return new GroupCommit(database, clock);
  const statements = new Statements(database);
  const changeSeq = (): number =>
    Number(statements.get<{ value: string }>("SELECT value FROM meta WHERE key = 'change_seq'")!.value);
  return new SnapshotCommit({
    ...{ connection: database, clock, everyMs: snapshotEvery },
    onError: (thrown) =>
      log.error(
        { err: toAppError(translate(database.name, thrown, true)) },
        'index could not be written; it is kept in memory',
      ),
    onCommit: () => {
      step('snapshot:1-reserve');
      statements.run(
        "INSERT INTO meta VALUES ('snapshot_seq', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
        String(changeSeq() + RESERVED),
      );
      step('snapshot:2-commit');
    },
    mark: changeSeq,
    onRedo: (seq) => raiseChangeSeq(statements, seq),
  });
}

/** Goes on behind all change sequences that may have been told, if the agent did not stop in an orderly way. */
export function resumeSnapshots(database: Database): void {
  const statements = new Statements(database);
  const meta = (key: string): string | undefined =>
    statements.get<{ value: string }>('SELECT value FROM meta WHERE key = ?', key)?.value;
  const reserved = meta('snapshot_seq');
  if (reserved !== undefined && meta('stopped_ms') === undefined)
    raiseChangeSeq(statements, Number(reserved));
}

function raiseChangeSeq(statements: Statements, seq: number): void {
  statements.run(
    "UPDATE meta SET value = CAST(max(CAST(value AS INTEGER), ?) AS INTEGER) WHERE key = 'change_seq'",
    seq,
  );
}

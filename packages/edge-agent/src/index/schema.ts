import { MAX_SEGMENT_MS } from '@gapless/shared/protocol';
import type { Schema } from '@gapless/shared/sqlite';

/** Room on the disk is taken by our own files alone; what was adopted lies with its recorder, and is not ours to evict. */
const OWN = 'adopted_file IS NULL';

const EVICTION_ORDER = `CREATE INDEX segment_eviction ON segment (receipted DESC, start_ms)
  WHERE protected = 0 AND ${OWN};`;

/** The same within each lens, with what sums need: SQLite reads "adopted_file" though the index says that it is null. */
const LENS_EVICTION_ORDER = `CREATE INDEX segment_lens_eviction ON segment (lens_id, receipted, start_ms, size_bytes, adopted_file)
  WHERE protected = 0 AND ${OWN};`;

/** As they were while all segments were the agent's own. */
const FORMER_EVICTION_ORDER =
  'CREATE INDEX segment_eviction ON segment (receipted DESC, start_ms) WHERE protected = 0;';
const FORMER_LENS_EVICTION_ORDER =
  'CREATE INDEX segment_lens_eviction ON segment (lens_id, receipted, start_ms, size_bytes) WHERE protected = 0;';

/** What central does not have and nobody protects, as version 3 had it. */
const AT_RISK =
  'CREATE INDEX segment_at_risk ON segment (lens_id, start_ms, size_bytes) WHERE receipted = 0 AND protected = 0;';

/** Whether a segment, as `row` of a trigger or of a statement, and a protection `pin` have an instant in common. */
const overlap = (row: string, pin: string): string =>
  `${row}.lens_id = ${pin}.lens_id AND ${row}.start_ms > ${pin}.start_ms - ${MAX_SEGMENT_MS}
    AND ${row}.start_ms < ${pin}.end_ms AND ${row}.end_ms > ${pin}.start_ms`;

const isPinned = (row: string): string =>
  `EXISTS (SELECT 1 FROM protection p WHERE p.lens_id = ${row}.lens_id
    AND p.start_ms < ${row}.end_ms AND p.end_ms > ${row}.start_ms)`;

const PROTECTION = `
-- A pin: what overlaps it is not evicted. Pins of several holders add up; those of one holder do not overlap.
CREATE TABLE protection (
  lens_id    INTEGER NOT NULL REFERENCES lens,
  holder     TEXT NOT NULL CHECK (length(holder) BETWEEN 1 AND 64),  -- who asked for it
  start_ms   INTEGER NOT NULL CHECK (start_ms >= 0),
  end_ms     INTEGER NOT NULL CHECK (end_ms > start_ms),
  reason     TEXT NOT NULL,                 -- for people
  made_ms    INTEGER NOT NULL,
  expires_ms INTEGER,                       -- null: until it is taken back
  PRIMARY KEY (lens_id, holder, start_ms)
) STRICT, WITHOUT ROWID;

CREATE INDEX protection_expiry ON protection (expires_ms) WHERE expires_ms IS NOT NULL;

CREATE TRIGGER protection_added AFTER INSERT ON protection BEGIN
  UPDATE segment SET protected = 1 WHERE protected = 0 AND ${overlap('segment', 'NEW')};
END;
CREATE TRIGGER protection_deleted AFTER DELETE ON protection BEGIN
  UPDATE segment SET protected = 0 WHERE protected = 1 AND ${overlap('segment', 'OLD')} AND NOT ${isPinned('segment')};
END;
CREATE TRIGGER segment_pinned AFTER INSERT ON segment WHEN NEW.protected <> ${isPinned('NEW')} BEGIN
  UPDATE segment SET protected = 1 - protected WHERE run_id = NEW.run_id AND seq = NEW.seq;
END;
CREATE TRIGGER segment_moved AFTER UPDATE OF start_ms, end_ms ON segment WHEN NEW.protected <> ${isPinned('NEW')} BEGIN
  UPDATE segment SET protected = 1 - protected WHERE run_id = NEW.run_id AND seq = NEW.seq;
END;
`;

/** Adds what a segment contributes to the sums of its lens, or takes it away again. */
const count = (
  row: string,
  sign: '+' | '-',
): string => `UPDATE lens SET bytes = bytes ${sign} ${row}.size_bytes,
    protected_bytes = protected_bytes ${sign} ${row}.size_bytes * ${row}.protected,
    spare_bytes = spare_bytes ${sign} ${row}.size_bytes * (${row}.receipted AND NOT ${row}.protected)
  WHERE id = ${row}.lens_id;`;

/** @param when which segments count, as a condition of `row` */
const sums = (when: (row: string) => string): string => `
CREATE TRIGGER segment_added AFTER INSERT ON segment ${when('NEW')} BEGIN
  ${count('NEW', '+')}
END;
CREATE TRIGGER segment_deleted AFTER DELETE ON segment ${when('OLD')} BEGIN
  ${count('OLD', '-')}
END;
CREATE TRIGGER segment_changed AFTER UPDATE OF receipted, protected ON segment ${when('NEW')} BEGIN
  ${count('OLD', '-')}
  ${count('NEW', '+')}
END;
`;
const SUMS = sums((row) => `WHEN ${row}.${OWN}`);
const FORMER_SUMS = sums(() => '');

const ADOPTION = `
-- A file of another recorder that was looked into. It is never written to, moved or removed by the agent.
CREATE TABLE adopted_file (
  id          INTEGER PRIMARY KEY,
  lens_id     INTEGER NOT NULL REFERENCES lens,
  directory   TEXT NOT NULL,                -- absolute
  name        TEXT NOT NULL,
  size_bytes  INTEGER NOT NULL CHECK (size_bytes >= 0),  -- as it was looked into; with another size or
  modified_ms INTEGER NOT NULL,                          -- time of change it is another file
  state       TEXT NOT NULL CHECK (state IN ('adopted', 'partly', 'no-video', 'unreadable')),
  detail      TEXT,                         -- why it is not adopted, or not all of it
  facts       TEXT,                         -- JSON: what was found in it; null once the index was made anew
  UNIQUE (lens_id, directory, name)
) STRICT;

-- The segments of a file, when it has gone.
CREATE INDEX segment_adopted ON segment (adopted_file) WHERE adopted_file IS NOT NULL;
`;

/**
 * The agent's index. It can be made again from the files alone (`check --rebuild`), so it holds nothing about media
 * that the files and the journal beside them do not say.
 *
 * Times are milliseconds since 1970 UTC. Every row that central must hear of carries `change_seq`, the value of one
 * counter at its last change; central asks for what changed after the last value it has seen.
 */
const latest = `
-- Facts about the index itself.
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,  -- 'catalogue_epoch': made anew with the index; 'change_seq': the counter's last value;
                           -- 'stopped_ms': of the last orderly stop, absent while the agent runs;
                           -- 'journal_seq': rows changed up to here stand in the journal, synced;
                           -- 'snapshot_seq': told to central at most, where the index is committed in snapshots
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A camera's view. Rows are never deleted: a lens taken out of the configuration keeps its history.
CREATE TABLE lens (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
  -- Sums of its segments' sizes, kept by the triggers below: of all,
  bytes INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0),
  -- of those that are protected,
  protected_bytes INTEGER NOT NULL DEFAULT 0 CHECK (protected_bytes >= 0),
  -- and of those that may go without loss: central has them, and nobody protects them.
  spare_bytes INTEGER NOT NULL DEFAULT 0 CHECK (spare_bytes >= 0)
) STRICT;

-- One uninterrupted recording of one lens.
CREATE TABLE run (
  id            INTEGER PRIMARY KEY,        -- a later run has a greater id, whatever the wall clock said
  lens_id       INTEGER NOT NULL REFERENCES lens,
  name          TEXT NOT NULL,              -- the run id; sorts by start
  boot_id       TEXT NOT NULL,              -- random per boot of the box
  monotonic_ms  INTEGER NOT NULL,           -- the box's uptime when the run's media clock stood at 0
  clock_trusted INTEGER NOT NULL CHECK (clock_trusted IN (0, 1)),
  start_ms      INTEGER NOT NULL CHECK (start_ms >= 0),
  end_ms        INTEGER CHECK (end_ms >= start_ms),  -- null while it goes on
  end_reason    TEXT,
  codecs        TEXT NOT NULL,              -- JSON array of RFC 6381 strings, video first
  width         INTEGER,
  height        INTEGER,
  change_seq    INTEGER NOT NULL UNIQUE,
  UNIQUE (lens_id, name),
  CHECK ((end_ms IS NULL) = (end_reason IS NULL))
) STRICT;

-- At start: the runs that a crash left open.
CREATE INDEX run_open ON run (lens_id) WHERE end_ms IS NULL;

-- A closed segment whose file is on the disk. Clustered by lens and time, the order of every query.
CREATE TABLE segment (
  lens_id        INTEGER NOT NULL REFERENCES lens,
  start_ms       INTEGER NOT NULL,
  run_id         INTEGER NOT NULL REFERENCES run,
  seq            INTEGER NOT NULL CHECK (seq BETWEEN 0 AND 999999),  -- without holes within the run
  end_ms         INTEGER NOT NULL,
  file_start_ms  INTEGER NOT NULL,          -- start_ms as the file's name has it; differs once the run was re-timed
  size_bytes     INTEGER NOT NULL CHECK (size_bytes > 0),
  sha256         BLOB NOT NULL CHECK (length(sha256) = 32),          -- of the whole file
  first_fragment INTEGER NOT NULL CHECK (first_fragment >= 0),
  fragment_count INTEGER NOT NULL CHECK (fragment_count > 0),
  fragments      BLOB NOT NULL,             -- the fragment table: number, offset, size, ticks, sync
  holes          TEXT,                      -- JSON array of ranges without a picture; null when there are none
  receipted      INTEGER NOT NULL DEFAULT 0 CHECK (receipted IN (0, 1)),  -- central has proven that it holds this
  change_seq     INTEGER NOT NULL,
  protected      INTEGER NOT NULL DEFAULT 0 CHECK (protected IN (0, 1)),  -- overlaps a protection; kept by triggers
  adopted_file   INTEGER REFERENCES adopted_file,  -- whose media it is made of; null for what the agent recorded
  PRIMARY KEY (lens_id, start_ms, run_id, seq),
  CHECK (end_ms > start_ms AND end_ms - start_ms <= ${MAX_SEGMENT_MS})
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX segment_identity ON segment (run_id, seq);
CREATE UNIQUE INDEX segment_change ON segment (change_seq);
-- From a file's name to its row.
CREATE INDEX segment_file ON segment (lens_id, file_start_ms);
-- Eviction takes what central has first, then the oldest of the rest, and nothing that is protected.
${EVICTION_ORDER}
-- The same for a lens with limits of its own; and what of a lens is at risk.
${LENS_EVICTION_ORDER}

-- What was a segment: that it was deleted, when and why.
CREATE TABLE tombstone (
  run_id     INTEGER NOT NULL REFERENCES run,
  seq        INTEGER NOT NULL,
  lens_id    INTEGER NOT NULL REFERENCES lens,
  start_ms   INTEGER NOT NULL,
  end_ms     INTEGER NOT NULL CHECK (end_ms > start_ms),
  size_bytes INTEGER NOT NULL,
  sha256     BLOB NOT NULL CHECK (length(sha256) = 32),
  deleted_ms INTEGER NOT NULL,
  reason     TEXT NOT NULL CHECK (reason IN ('evicted', 'removed', 'corrupt')),
  change_seq INTEGER NOT NULL UNIQUE,
  file_start_ms INTEGER NOT NULL DEFAULT 0,  -- as the segment had it: where its file lay
  file_gone  INTEGER NOT NULL DEFAULT 1 CHECK (file_gone IN (0, 1)),  -- nothing is left to be removed from the disk
  PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX tombstone_time ON tombstone (lens_id, start_ms);
CREATE INDEX tombstone_file ON tombstone (lens_id, file_start_ms);
-- What a crash left to be removed.
CREATE INDEX tombstone_file_left ON tombstone (run_id) WHERE file_gone = 0;

-- A stretch in which the lens was there and nothing was recorded.
CREATE TABLE absence (
  lens_id    INTEGER NOT NULL REFERENCES lens,
  start_ms   INTEGER NOT NULL,
  end_ms     INTEGER NOT NULL CHECK (end_ms > start_ms),
  reason     TEXT NOT NULL CHECK (reason IN ('off', 'no-signal', 'unexplained')),
  detail     TEXT,                          -- for people: what ffmpeg or the start-up recovery had to say
  change_seq INTEGER NOT NULL UNIQUE,
  PRIMARY KEY (lens_id, start_ms)
) STRICT, WITHOUT ROWID;

${PROTECTION}
${SUMS}
${ADOPTION}
INSERT INTO meta VALUES ('change_seq', '0');
`;

/** Removing a file is a procedure of several steps that a crash may interrupt. */
const version2 = `
ALTER TABLE tombstone ADD COLUMN file_start_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tombstone ADD COLUMN file_gone INTEGER NOT NULL DEFAULT 1 CHECK (file_gone IN (0, 1));
UPDATE tombstone SET file_start_ms = start_ms;
CREATE INDEX segment_file ON segment (lens_id, file_start_ms);
CREATE INDEX tombstone_file ON tombstone (lens_id, file_start_ms);
CREATE INDEX tombstone_file_left ON tombstone (run_id) WHERE file_gone = 0;
`;

/** Footage can be protected. */
const version3 = `
ALTER TABLE lens ADD COLUMN protected_bytes INTEGER NOT NULL DEFAULT 0 CHECK (protected_bytes >= 0);
ALTER TABLE lens ADD COLUMN spare_bytes INTEGER NOT NULL DEFAULT 0 CHECK (spare_bytes >= 0);
ALTER TABLE segment ADD COLUMN protected INTEGER NOT NULL DEFAULT 0 CHECK (protected IN (0, 1));
DROP INDEX segment_eviction;
DROP TRIGGER segment_added;
DROP TRIGGER segment_deleted;
${FORMER_EVICTION_ORDER}
${AT_RISK}
${PROTECTION}
${FORMER_SUMS}
UPDATE lens SET spare_bytes =
  (SELECT coalesce(sum(size_bytes), 0) FROM segment WHERE lens_id = lens.id AND receipted = 1);
`;

/** Lenses have limits of their own. */
const version4 = `
DROP INDEX segment_at_risk;
${FORMER_LENS_EVICTION_ORDER}
`;

/** Recordings of others can be adopted. */
const version5 = `
ALTER TABLE segment ADD COLUMN adopted_file INTEGER REFERENCES adopted_file;
DROP INDEX segment_eviction;
DROP INDEX segment_lens_eviction;
DROP TRIGGER segment_added;
DROP TRIGGER segment_deleted;
DROP TRIGGER segment_changed;
${EVICTION_ORDER}
${LENS_EVICTION_ORDER}
${SUMS}
${ADOPTION}
`;

export const indexSchema: Schema = {
  latest,
  version: 5,
  migrations: [
    { version: 2, sql: version2 },
    { version: 3, sql: version3 },
    { version: 4, sql: version4 },
    { version: 5, sql: version5 },
  ],
};

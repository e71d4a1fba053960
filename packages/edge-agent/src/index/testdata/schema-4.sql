-- The index as its fourth version made it; a test brings it up to date.
-- Facts about the index itself.
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,  -- 'catalogue_epoch': made anew with the index; 'change_seq': the counter's last value;
                           -- 'stopped_ms': of the last orderly stop, absent while the agent runs;
                           -- 'journal_seq': rows changed up to here stand in the journal, synced
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
  PRIMARY KEY (lens_id, start_ms, run_id, seq),
  CHECK (end_ms > start_ms AND end_ms - start_ms <= 600000)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX segment_identity ON segment (run_id, seq);
CREATE UNIQUE INDEX segment_change ON segment (change_seq);
-- From a file's name to its row.
CREATE INDEX segment_file ON segment (lens_id, file_start_ms);
-- Eviction takes what central has first, then the oldest of the rest, and nothing that is protected.
CREATE INDEX segment_eviction ON segment (receipted DESC, start_ms) WHERE protected = 0;
-- The same for a lens with limits of its own; and what of a lens is at risk.
CREATE INDEX segment_lens_eviction ON segment (lens_id, receipted, start_ms, size_bytes) WHERE protected = 0;

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
  UPDATE segment SET protected = 1 WHERE protected = 0 AND segment.lens_id = NEW.lens_id AND segment.start_ms > NEW.start_ms - 600000
    AND segment.start_ms < NEW.end_ms AND segment.end_ms > NEW.start_ms;
END;
CREATE TRIGGER protection_deleted AFTER DELETE ON protection BEGIN
  UPDATE segment SET protected = 0 WHERE protected = 1 AND segment.lens_id = OLD.lens_id AND segment.start_ms > OLD.start_ms - 600000
    AND segment.start_ms < OLD.end_ms AND segment.end_ms > OLD.start_ms AND NOT EXISTS (SELECT 1 FROM protection p WHERE p.lens_id = segment.lens_id
    AND p.start_ms < segment.end_ms AND p.end_ms > segment.start_ms);
END;
CREATE TRIGGER segment_pinned AFTER INSERT ON segment WHEN NEW.protected <> EXISTS (SELECT 1 FROM protection p WHERE p.lens_id = NEW.lens_id
    AND p.start_ms < NEW.end_ms AND p.end_ms > NEW.start_ms) BEGIN
  UPDATE segment SET protected = 1 - protected WHERE run_id = NEW.run_id AND seq = NEW.seq;
END;
CREATE TRIGGER segment_moved AFTER UPDATE OF start_ms, end_ms ON segment WHEN NEW.protected <> EXISTS (SELECT 1 FROM protection p WHERE p.lens_id = NEW.lens_id
    AND p.start_ms < NEW.end_ms AND p.end_ms > NEW.start_ms) BEGIN
  UPDATE segment SET protected = 1 - protected WHERE run_id = NEW.run_id AND seq = NEW.seq;
END;


CREATE TRIGGER segment_added AFTER INSERT ON segment BEGIN
  UPDATE lens SET bytes = bytes + NEW.size_bytes,
    protected_bytes = protected_bytes + NEW.size_bytes * NEW.protected,
    spare_bytes = spare_bytes + NEW.size_bytes * (NEW.receipted AND NOT NEW.protected)
  WHERE id = NEW.lens_id;
END;
CREATE TRIGGER segment_deleted AFTER DELETE ON segment BEGIN
  UPDATE lens SET bytes = bytes - OLD.size_bytes,
    protected_bytes = protected_bytes - OLD.size_bytes * OLD.protected,
    spare_bytes = spare_bytes - OLD.size_bytes * (OLD.receipted AND NOT OLD.protected)
  WHERE id = OLD.lens_id;
END;
CREATE TRIGGER segment_changed AFTER UPDATE OF receipted, protected ON segment BEGIN
  UPDATE lens SET bytes = bytes - OLD.size_bytes,
    protected_bytes = protected_bytes - OLD.size_bytes * OLD.protected,
    spare_bytes = spare_bytes - OLD.size_bytes * (OLD.receipted AND NOT OLD.protected)
  WHERE id = OLD.lens_id;
  UPDATE lens SET bytes = bytes + NEW.size_bytes,
    protected_bytes = protected_bytes + NEW.size_bytes * NEW.protected,
    spare_bytes = spare_bytes + NEW.size_bytes * (NEW.receipted AND NOT NEW.protected)
  WHERE id = NEW.lens_id;
END;

INSERT INTO meta VALUES ('change_seq', '0');

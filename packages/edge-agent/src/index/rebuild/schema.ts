/**
 * Where a rebuilding collects what it reads, before the order of the runs and with it every row's number is known.
 * Temporary tables: they go with the connection.
 */
export const stagingSchema = `
CREATE TEMP TABLE staged_run (
  lens_id INTEGER NOT NULL, name TEXT NOT NULL,
  place REAL,                     -- the run's place among all runs, as the journal has it; null for one it does not know
  boot_id TEXT NOT NULL, monotonic_ms INTEGER NOT NULL, clock_trusted INTEGER NOT NULL, start_ms INTEGER NOT NULL,
  end_ms INTEGER, end_reason TEXT, codecs TEXT NOT NULL, width INTEGER, height INTEGER,
  id INTEGER,                     -- given at the end
  PRIMARY KEY (lens_id, name)
) STRICT, WITHOUT ROWID;

CREATE TEMP TABLE staged_segment (
  lens_id INTEGER NOT NULL, run TEXT NOT NULL, seq INTEGER NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL,
  file_start_ms INTEGER NOT NULL, size_bytes INTEGER NOT NULL, sha256 BLOB NOT NULL, first_fragment INTEGER NOT NULL,
  fragment_count INTEGER NOT NULL, fragments BLOB NOT NULL, holes TEXT,
  -- The other recorder's file, for an adopted segment.
  source_directory TEXT, source_name TEXT, source_bytes INTEGER, source_modified_ms INTEGER,
  PRIMARY KEY (lens_id, run, seq)
) STRICT, WITHOUT ROWID;

CREATE TEMP TABLE staged_tombstone (
  lens_id INTEGER NOT NULL, run TEXT NOT NULL, seq INTEGER NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL,
  file_start_ms INTEGER NOT NULL, size_bytes INTEGER NOT NULL, sha256 BLOB NOT NULL, deleted_ms INTEGER NOT NULL,
  reason TEXT NOT NULL, file_gone INTEGER NOT NULL DEFAULT 1,
  noted INTEGER NOT NULL DEFAULT 1,  -- stands in a journal
  PRIMARY KEY (lens_id, run, seq)
) STRICT, WITHOUT ROWID;

CREATE TEMP TABLE staged_absence (
  lens_id INTEGER NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, reason TEXT NOT NULL, detail TEXT,
  PRIMARY KEY (lens_id, start_ms)
) STRICT, WITHOUT ROWID;

CREATE TEMP TABLE staged_protection (
  lens_id INTEGER NOT NULL, holder TEXT NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, reason TEXT NOT NULL,
  made_ms INTEGER NOT NULL, expires_ms INTEGER,
  PRIMARY KEY (lens_id, holder, start_ms)
) STRICT, WITHOUT ROWID;

CREATE TEMP TABLE staged_receipt (
  lens_id INTEGER NOT NULL, run TEXT NOT NULL, seq INTEGER NOT NULL, sha256 BLOB NOT NULL,
  PRIMARY KEY (lens_id, run, seq, sha256)
) STRICT, WITHOUT ROWID;
`;

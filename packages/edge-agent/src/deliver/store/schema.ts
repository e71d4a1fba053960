import type { Schema } from '@gapless/shared/sqlite';

/**
 * The uploads that were asked for, in a database of their own: they are orders and no statements about footage, so an index
 * that is made anew keeps them. How far an item has come is asked of the server and stands nowhere here.
 */
const latest = `
CREATE TABLE upload (
  id       TEXT PRIMARY KEY CHECK (length(id) BETWEEN 5 AND 64),   -- sorts by when it was made
  made_ms  INTEGER NOT NULL,
  plan     TEXT NOT NULL,                   -- JSON: where to, and how; see request.ts
  state    TEXT NOT NULL CHECK (state IN ('queued', 'paused', 'done', 'failed', 'cancelled')),
  ended_ms INTEGER,
  CHECK ((ended_ms IS NULL) = (state IN ('queued', 'paused')))
) STRICT, WITHOUT ROWID;

-- What is to be gone on with, and what may be forgotten.
CREATE INDEX upload_open ON upload (id) WHERE ended_ms IS NULL;
CREATE INDEX upload_ended ON upload (ended_ms) WHERE ended_ms IS NOT NULL;

-- One artifact of an upload.
CREATE TABLE item (
  upload_id   TEXT NOT NULL REFERENCES upload ON DELETE CASCADE,
  seq         INTEGER NOT NULL CHECK (seq >= 0),
  source      TEXT NOT NULL,                -- JSON: a file, a segment or a clip; see request.ts
  name        TEXT NOT NULL,                -- for people
  -- 'publishing': proven to have arrived; its file gets its name, or has got it already
  state       TEXT NOT NULL CHECK (state IN ('queued', 'publishing', 'verified', 'failed', 'cancelled')),
  -- What it is; null until it was read for its hash.
  fingerprint TEXT,                         -- of what was read: of another one the rest says nothing
  path        TEXT,                         -- on the server
  size_bytes  INTEGER CHECK (size_bytes >= 0),
  sha256      BLOB CHECK (length(sha256) = 32),
  saved_bytes INTEGER CHECK (saved_bytes >= 0),  -- left out of it: padding
  error       TEXT,                         -- JSON: why it failed
  PRIMARY KEY (upload_id, seq),
  CHECK ((fingerprint IS NULL) = (path IS NULL) AND (path IS NULL) = (size_bytes IS NULL)
    AND (size_bytes IS NULL) = (sha256 IS NULL) AND (sha256 IS NULL) = (saved_bytes IS NULL)),
  CHECK (state NOT IN ('publishing', 'verified') OR sha256 IS NOT NULL),
  CHECK ((error IS NULL) = (state <> 'failed'))
) STRICT, WITHOUT ROWID;
`;

export const uploadsSchema: Schema = { latest, version: 1, migrations: [] };

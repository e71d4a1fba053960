-- Version 2 of central's catalogue, as it was: what upgrades start from.
-- A vehicle that was enrolled, with the public halves of its keys.
CREATE TABLE vehicle (
  id              INTEGER PRIMARY KEY,
  name            TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
  state           TEXT NOT NULL CHECK (state IN ('enrolled', 'revoked', 'conflict')),
  enrolled_ms     INTEGER NOT NULL,
  link_key        BLOB NOT NULL,             -- Ed25519 public key, SPKI DER
  sftp_key        BLOB NOT NULL,             -- Ed25519 public key, SSH wire form
  evidence_key    BLOB NOT NULL,             -- Ed25519 public key, SPKI DER
  hello_counter   INTEGER NOT NULL DEFAULT 0,  -- of the last hello accepted; a lower one is a copy of the box
  catalogue_epoch TEXT,                      -- which index of the vehicle catalogue_seq counts in
  catalogue_seq   INTEGER NOT NULL DEFAULT 0,  -- applied up to here
  last_seen_ms    INTEGER,
  agent_version   TEXT,
  boot_id         TEXT,
  used_bytes      INTEGER,                   -- of the vehicle's recordings
  free_bytes      INTEGER,
  receipt_seq     INTEGER NOT NULL DEFAULT 0 -- of the newest receipt written for this vehicle
) STRICT;

-- A one-time permission to enrol a vehicle.
CREATE TABLE claim (
  id         TEXT PRIMARY KEY,               -- hex, part of the claim code
  vehicle    TEXT NOT NULL,
  secret     BLOB NOT NULL CHECK (length(secret) = 16),
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  used_ms    INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX claim_unused ON claim (vehicle) WHERE used_ms IS NULL;

CREATE TABLE lens (
  id             INTEGER PRIMARY KEY,
  vehicle_id     INTEGER NOT NULL REFERENCES vehicle ON DELETE CASCADE,
  name           TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
  live           TEXT NOT NULL CHECK (live IN ('push', 'off')),
  state          TEXT NOT NULL CHECK (state IN ('recording', 'no-signal', 'stopped')),
  detail         TEXT,                       -- why there is no signal
  expected_ms    INTEGER,                    -- footage is expected from here on; null until the first run
  as_of_ms       INTEGER,                    -- the vehicle's last word on this lens reaches up to here
  open_start_ms  INTEGER,                    -- extent of the segment that the vehicle was writing then
  open_end_ms    INTEGER,
  stored_bytes   INTEGER NOT NULL DEFAULT 0, -- sum of size_bytes of its verified objects
  UNIQUE (vehicle_id, name)
) STRICT;

CREATE TABLE run (
  id         INTEGER PRIMARY KEY,
  lens_id    INTEGER NOT NULL REFERENCES lens ON DELETE CASCADE,
  name       TEXT NOT NULL,
  start_ms   INTEGER,                        -- null until the catalogue tells
  end_ms     INTEGER,
  end_reason TEXT,
  codecs     TEXT,                           -- JSON array
  width      INTEGER,
  height     INTEGER,
  UNIQUE (lens_id, name)
) STRICT;

-- A segment that central holds in full or in part, or has asked for.
CREATE TABLE object (
  id             INTEGER PRIMARY KEY,
  lens_id        INTEGER NOT NULL REFERENCES lens ON DELETE CASCADE,
  run_id         INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  seq            INTEGER NOT NULL CHECK (seq BETWEEN 0 AND 999999),
  state          TEXT NOT NULL CHECK (state IN ('receiving', 'verified')),
  start_ms       INTEGER NOT NULL,
  end_ms         INTEGER NOT NULL CHECK (end_ms > start_ms),
  -- What the vehicle's catalogue says it must be; null until it has said so, which it does when the segment closes.
  size_bytes     INTEGER,
  sha256         BLOB CHECK (length(sha256) = 32),
  -- Measured from the stored file.
  first_fragment INTEGER,
  fragment_count INTEGER,
  fragments      BLOB,
  path           TEXT,                       -- below the media directory
  verified_ms    INTEGER,
  fetched_bytes  INTEGER NOT NULL DEFAULT 0, -- of size_bytes, how many came by transfer and not live
  receipt_seq    INTEGER,                    -- set with verified; cleared when the vehicle has acknowledged it
  holes          TEXT,                       -- JSON array of the ranges of its extent without a picture; null if unknown
  failures       INTEGER NOT NULL DEFAULT 0, -- how often it was put together and was not what the vehicle said
  age_from_ms    INTEGER,                    -- set with verified: its end, or verified_ms if its clock cannot have been right
  UNIQUE (run_id, seq),
  CHECK ((size_bytes IS NULL) = (sha256 IS NULL)),
  CHECK (state = 'receiving' OR (size_bytes IS NOT NULL AND path IS NOT NULL AND fragments IS NOT NULL))
) STRICT;

CREATE INDEX object_time ON object (lens_id, start_ms);
CREATE INDEX object_receiving ON object (lens_id, start_ms) WHERE state = 'receiving';
CREATE INDEX object_unfinished ON object (end_ms) WHERE state = 'receiving';
CREATE INDEX object_receipt ON object (lens_id, receipt_seq) WHERE receipt_seq IS NOT NULL;
CREATE INDEX object_oldest ON object (age_from_ms) WHERE state = 'verified';

-- Bytes of a receiving object that have arrived, coalesced; gone once it is verified.
CREATE TABLE piece (
  object_id INTEGER NOT NULL REFERENCES object ON DELETE CASCADE,
  source    TEXT NOT NULL CHECK (source IN ('live', 'fetched')),
  from_byte INTEGER NOT NULL,
  to_byte   INTEGER NOT NULL CHECK (to_byte > from_byte),
  PRIMARY KEY (object_id, from_byte)
) STRICT, WITHOUT ROWID;

-- What is true of a lens when, as disjoint, non-touching ranges per layer; store/coverage.ts names the layers.
CREATE TABLE coverage (
  lens_id  INTEGER NOT NULL REFERENCES lens ON DELETE CASCADE,
  layer    TEXT NOT NULL,
  start_ms INTEGER NOT NULL,
  end_ms   INTEGER NOT NULL CHECK (end_ms > start_ms),
  PRIMARY KEY (lens_id, layer, start_ms)
) STRICT, WITHOUT ROWID;

-- Central's ask for ranges of a lens.
CREATE TABLE request (
  id          TEXT PRIMARY KEY,
  lens_id     INTEGER NOT NULL REFERENCES lens ON DELETE CASCADE,
  mode        TEXT NOT NULL CHECK (mode IN ('online', 'scheduled', 'manual')),
  state       TEXT NOT NULL CHECK (state IN ('waiting', 'listing', 'transferring', 'paused', 'done', 'partly-done', 'failed', 'cancelled', 'expired')),
  reason      TEXT,                          -- why it waits or how it ended, from a closed list
  priority    INTEGER NOT NULL DEFAULT 0,    -- higher first
  created_ms  INTEGER NOT NULL,
  created_by  TEXT NOT NULL,
  expires_ms  INTEGER,
  finished_ms INTEGER,
  attempts    INTEGER NOT NULL DEFAULT 0,
  sent_bytes  INTEGER NOT NULL DEFAULT 0,    -- received for it, whether they were of use or not
  idempotency_key TEXT UNIQUE,
  fingerprint TEXT                           -- of what was asked with that key
) STRICT, WITHOUT ROWID;

CREATE INDEX request_active ON request (lens_id) WHERE finished_ms IS NULL;
CREATE INDEX request_expiry ON request (expires_ms) WHERE finished_ms IS NULL;

CREATE TABLE request_range (
  request_id TEXT NOT NULL REFERENCES request ON DELETE CASCADE,
  start_ms   INTEGER NOT NULL,
  end_ms     INTEGER NOT NULL CHECK (end_ms > start_ms),
  PRIMARY KEY (request_id, start_ms)
) STRICT, WITHOUT ROWID;

-- The movement of the missing bytes of one object.
CREATE TABLE transfer (
  id            TEXT PRIMARY KEY,
  request_id    TEXT NOT NULL REFERENCES request ON DELETE CASCADE,
  object_id     INTEGER NOT NULL UNIQUE REFERENCES object ON DELETE CASCADE,
  state         TEXT NOT NULL CHECK (state IN ('queued', 'asked', 'offered', 'sending', 'verifying', 'backing-off')),
  generation    INTEGER NOT NULL DEFAULT 0,  -- of the lease; messages of an older one are refused
  bytes         TEXT NOT NULL,               -- JSON array of byte ranges of the segment file
  total_bytes   INTEGER NOT NULL,
  manifest      TEXT,                        -- JSON; set by the offer
  acked_bytes   INTEGER NOT NULL DEFAULT 0,
  attempts      INTEGER NOT NULL DEFAULT 0,
  not_before_ms INTEGER,                     -- backing off until then
  last_error    TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX transfer_request ON transfer (request_id);

-- A file that failed verification; kept until somebody has looked.
CREATE TABLE quarantine (
  id         INTEGER PRIMARY KEY,
  lens_id    INTEGER NOT NULL REFERENCES lens ON DELETE CASCADE,
  segment    TEXT NOT NULL,
  at_ms      INTEGER NOT NULL,
  reason     TEXT NOT NULL,
  path       TEXT NOT NULL                   -- below the quarantine directory
) STRICT;

-- A file that retention has given up, named by nothing any more, until it is gone from the disk.
CREATE TABLE removal (
  path TEXT PRIMARY KEY                      -- below the data directory
) STRICT, WITHOUT ROWID;

-- A bearer token for programs; only its hash is kept.
CREATE TABLE token (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  role       TEXT NOT NULL CHECK (role IN ('administrator', 'operator', 'viewer')),
  sha256     BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
  created_ms INTEGER NOT NULL,
  revoked_ms INTEGER
) STRICT, WITHOUT ROWID;

-- Events that only time makes (docs/decisions/0053): a key that comes near its end, a key that
-- nobody uses, a verifier that has fallen silent. Each has a moment that follows from stored data.
-- A watch writes the events of the moments since its last run, and moves on in the same
-- transaction. So each event is written once, without a mark in the rows of keys.
--
-- told_until, after_id  Moments up to here are told; of those at told_until, the ids up to
-- after_id. '~' sorts after every id. Moments before this migration are never told.
-- round_until  A watch that walks through all ids: the end of the round that is under way, which is
-- at after_id. Null between two rounds.
-- ran_at, steady_since  Last run, and the first run since which none was left out.
CREATE TABLE event_watches (
  name          text COLLATE "C" PRIMARY KEY,
  told_until    timestamptz(3) NOT NULL DEFAULT now(),
  after_id      text COLLATE "C" NOT NULL DEFAULT '~',
  round_until   timestamptz(3),
  ran_at        timestamptz(3) NOT NULL DEFAULT now(),
  steady_since  timestamptz(3) NOT NULL DEFAULT now()
);

INSERT INTO event_watches (name) VALUES
  ('key.expiring 30'), ('key.expiring 7'), ('key.expiring 1'),
  ('master_key.expiring 30'), ('master_key.expiring 7'), ('master_key.expiring 1'),
  ('key.stale'), ('master_key.unused'), ('verifier.lapsed');

-- When the end was set, where that was after the key was made. A key whose end is set to 30 days
-- from now is not told of 30 days a minute later.
ALTER TABLE api_keys ADD COLUMN expires_set_at timestamptz(3);
ALTER TABLE master_keys ADD COLUMN expires_set_at timestamptz(3);

-- Lines of keys with a quota that were counted, appended by the transaction that counts. No count
-- waits for another's row. The worker takes them out and compares the sums with the quota.
CREATE TABLE counted_quota_lines (
  number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  lineage_id  text COLLATE "C" NOT NULL
);

-- The last step of its quota that was told of a line of keys: 80 or 100 % of this limit, in the
-- period that began on that day.
CREATE TABLE told_quotas (
  lineage_id    text COLLATE "C" PRIMARY KEY,
  period        text NOT NULL,
  period_start  date NOT NULL,
  quota_limit   bigint NOT NULL,
  percent       smallint NOT NULL
);

-- How far the worker's own check of the audit chain has come, and when this pass began.
CREATE TABLE audit_check (
  only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  after_seq  bigint NOT NULL DEFAULT 0,
  began_at   timestamptz(3) NOT NULL DEFAULT now()
);
INSERT INTO audit_check DEFAULT VALUES;

-- Faults of the chain that are told. 0 and '' where a fault has no seal or no event.
CREATE TABLE audit_faults (
  kind      text NOT NULL,
  seq       bigint NOT NULL,
  event_id  text COLLATE "C" NOT NULL,
  found_at  timestamptz(3) NOT NULL,
  PRIMARY KEY (kind, seq, event_id)
);

-- The feed of everything that can turn a yes into a no, and the verifiers that must have seen it
-- (docs/decisions/0003). seq order is commit order: writers take a transaction-level advisory lock
-- just before they draw it.
CREATE TABLE key_changes (
  seq           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind          text NOT NULL CHECK (kind IN ('key', 'master_key', 'organization')),
  subject_id    text COLLATE "C" NOT NULL,
  revision      bigint NOT NULL,
  status        text,
  committed_at  timestamptz(3) NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX key_changes_committed ON key_changes (committed_at);

-- One row for each process that verifies from memory. lease_until bounds how long it may go on
-- without being heard of. master_key_id is set for those that are embedded in a gateway and reach
-- us only through the API.
CREATE TABLE verifiers (
  id             text COLLATE "C" PRIMARY KEY,
  applied_seq    bigint NOT NULL,
  lease_until    timestamptz NOT NULL,
  started_at     timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  master_key_id  text COLLATE "C"
);

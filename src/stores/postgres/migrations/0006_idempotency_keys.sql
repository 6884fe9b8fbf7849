-- The sealed answers of requests that created a secret. Neither the key under which a caller
-- repeats its request nor anything that opens the answer is in the row: `id` is a peppered hash,
-- the answer is encrypted under the caller's own key.
CREATE TABLE idempotency_keys (
  id             bytea PRIMARY KEY,
  body_hash      bytea NOT NULL,
  sealed_answer  bytea NOT NULL,
  created_at     timestamptz(3) NOT NULL
);

CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

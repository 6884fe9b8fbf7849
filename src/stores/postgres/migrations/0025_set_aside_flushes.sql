-- Usage flushes that could not be added up, moved out of the way of the others. Their calls were
-- counted nowhere; scripts/usage-flushes.ts shows them and puts them back. No unique id: a worker
-- that is killed between this and the removal from Redis sets the same flush aside again, and put
-- back twice it still counts once.
CREATE TABLE usage_flushes_set_aside (
  number        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  flush_id      text NOT NULL,
  -- As it was in Redis. Bytes, since it may be anything.
  payload       bytea NOT NULL,
  error         text NOT NULL,
  set_aside_at  timestamptz(3) NOT NULL DEFAULT clock_timestamp()
);

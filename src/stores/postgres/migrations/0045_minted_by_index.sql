-- Outside of a transaction.
--
-- The keys of a master key, newest first, for the list and for jobs. Built while keys are minted
-- and revoked. Every statement may run again after an attempt that was cut short.

DROP INDEX CONCURRENTLY IF EXISTS api_keys_minted_by;
CREATE INDEX CONCURRENTLY api_keys_minted_by ON api_keys (minted_by, id) WHERE kind = 'user' AND minted_by IS NOT NULL;

-- Outside of a transaction.
--
-- Keys by their end and, of those with the same end, by their id: the watches of migration 0063
-- read on from a place, also when a million keys were made with one end. Keys with a quota by their
-- line, so that a count finds out cheaply that there is none. Built while keys are minted and
-- revoked. Every statement may run again after an attempt that was cut short.

DROP INDEX CONCURRENTLY IF EXISTS api_keys_expiring_next;
DROP INDEX CONCURRENTLY IF EXISTS api_keys_expiring_old;
DROP INDEX CONCURRENTLY IF EXISTS api_keys_quotas;
DROP INDEX CONCURRENTLY IF EXISTS master_keys_expiring;

CREATE INDEX CONCURRENTLY api_keys_expiring_next ON api_keys (expires_at, id)
  WHERE status = 'active' AND expires_at IS NOT NULL;
ALTER INDEX IF EXISTS api_keys_expiring RENAME TO api_keys_expiring_old;
ALTER INDEX api_keys_expiring_next RENAME TO api_keys_expiring;
DROP INDEX CONCURRENTLY IF EXISTS api_keys_expiring_old;

CREATE INDEX CONCURRENTLY api_keys_quotas ON api_keys (lineage_id) WHERE status = 'active' AND quota IS NOT NULL;

CREATE INDEX CONCURRENTLY master_keys_expiring ON master_keys (expires_at, id)
  WHERE revoked_at IS NULL AND expires_at IS NOT NULL;

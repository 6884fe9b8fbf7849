-- Outside of a transaction.
--
-- Quarantined keys, which are few: those of a line, and for the sweep all of them. Built while keys
-- are minted and revoked. Every statement may run again after an attempt that was cut short.

DROP INDEX CONCURRENTLY IF EXISTS api_keys_quarantined;
CREATE INDEX CONCURRENTLY api_keys_quarantined ON api_keys (lineage_id, quarantined_until)
  WHERE quarantined_until IS NOT NULL;

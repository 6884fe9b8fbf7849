-- Leases of embedded verifiers have bounds of their own, and a permission of their own
-- (docs/decisions/0003).
--
-- lease_ms   How long each lease of this verifier is: what it was told when it registered. Rows of
-- the previous release do not say it. They get the longest that may be configured, which is always
-- safe, until their verifier registers anew. told_seq   The place in the feed that answers have
-- told. A lease is extended only when that much is reported as applied, so a verifier that takes no
-- notice keeps its lease once. is_ended   It has taken no notice, or its master key was revoked.
-- Its lease is still waited for, and never extended.
ALTER TABLE verifiers
  ADD COLUMN lease_ms integer NOT NULL DEFAULT 120000,
  ADD COLUMN told_seq bigint NOT NULL DEFAULT 0,
  ADD COLUMN is_ended boolean NOT NULL DEFAULT false;

CREATE INDEX verifiers_master_key ON verifiers (master_key_id);

-- Leases needed keys:verify until now. Master keys that were used for them keep them, and those
-- that were made to hold everything.
UPDATE master_keys SET permissions = permissions || '{keys:verify:embedded}'
WHERE permissions @> '{keys:verify}' AND NOT permissions @> '{keys:verify:embedded}' AND (
  permissions @> '{keys:mint,keys:refresh,keys:revoke,keys:read,usage:read}'
  OR EXISTS (SELECT FROM verifiers WHERE master_key_id = master_keys.id));

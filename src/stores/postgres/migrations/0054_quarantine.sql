-- A key that was reported as leaked is quarantined: refused at once, and released or revoked within
-- the hour (docs/decisions/0047).
--
-- quarantined_until  End of the quarantine, and null for every other key. The status of such a key
-- is `revoked`. So the previous release, a gateway of it, and everything else that does not know
-- this column refuse the key. Until its quarantine is over it can be given back its status:
-- `superseded` when superseded_until is set, and `active` otherwise.
ALTER TABLE api_keys ADD COLUMN quarantined_until timestamptz(3);

-- Keys end inside of an organization's role too (migration 0013).
GRANT UPDATE (quarantined_until) ON api_keys TO flowplate_tenant;

-- Signatures of reports that were carried out, so that a report counts once. Kept for a month.
CREATE TABLE leak_reports (
  signature  bytea PRIMARY KEY,
  seen_at    timestamptz(3) NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX leak_reports_seen ON leak_reports (seen_at);

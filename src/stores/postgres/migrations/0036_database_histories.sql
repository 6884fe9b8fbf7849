-- Which history of the database this is. A backup that is restored goes on from an earlier state:
-- rights that were removed in between are back. Recovery begins a new history, so that nothing that
-- was kept outside under the earlier one is believed (docs/decisions/0036). The last row counts.
-- held_since: nothing is vouched for until an operator has recovered it.
CREATE TABLE database_histories (
  number       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id           uuid NOT NULL DEFAULT gen_random_uuid(),
  began_at     timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  held_since   timestamptz(3),
  held_reason  text
);
INSERT INTO database_histories DEFAULT VALUES;

-- Changes of operators and of roles stand in the feed too: no verifier needs them, and the
-- revocation journal does. The table holds an hour of changes at most.
-- upgrade: refuses key_changes: the new constraint allows all that the one before allowed
ALTER TABLE key_changes DROP CONSTRAINT key_changes_kind_check;
ALTER TABLE key_changes ADD CONSTRAINT key_changes_kind_check
  CHECK (kind IN ('key', 'master_key', 'organization', 'platform_user', 'role')) NOT VALID;

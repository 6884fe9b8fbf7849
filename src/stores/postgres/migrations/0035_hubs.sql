-- The lease tree: the row of an API process, the hub, speaks for the verifiers that hold their
-- leases from it, its followers (docs/decisions/0028).
--
-- Of a follower: hub_id is the hub that it relies on alone, and null while it comes to one or has
-- none. stream_number counts its streams, so that what it said on an earlier one is told from the
-- last. followed_until is how long it counts as live for the number of verifiers of a master key
-- and for its reports. No revoke waits for that row: its lease_until has passed.
--
-- Of a hub: applied_seq is what itself and every follower have applied, so that a process of the
-- previous release reads it as before. reached_seq is what itself and every follower but the
-- laggards have applied. followers counts them by master key.
ALTER TABLE verifiers
  ADD COLUMN hub_id text COLLATE "C",
  ADD COLUMN stream_number integer NOT NULL DEFAULT 0,
  ADD COLUMN followed_until timestamptz,
  ADD COLUMN reached_seq bigint,
  ADD COLUMN followers jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN laggards jsonb NOT NULL DEFAULT '[]';

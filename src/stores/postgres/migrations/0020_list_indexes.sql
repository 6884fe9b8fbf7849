-- Lists and searches that were slow at a million rows.

-- A name that is too common for its trigrams to help is walked to, newest first: through the index
-- alone, since between tenant and platform keys lie floods of hidden ones. 100,000 names take 35 ms
-- so, instead of 52 and a page of the table for every few.
CREATE INDEX api_keys_shown_names ON api_keys (id) INCLUDE (name_key) WHERE kind IN ('tenant', 'platform');

-- A master key that minted little, or nothing, was looked for among all mints (0.5 s). This one
-- index more has every mint in it, and what follows costs the event of a mint 2 µs of Postgres: 8.7
-- instead of 6.6 at a million events.
DROP INDEX audit_events_actor;
CREATE INDEX audit_events_actor ON audit_events (actor_id, id);
-- Index for the events of one actor in one organization, without the table: each tenant's backend
-- has a key of its own, so that whole histories have nothing in common.
DROP INDEX audit_events_organization;
CREATE INDEX audit_events_organization ON audit_events (organization_id, id) INCLUDE (actor_id);
-- One type of event of an actor or of an organization, mints excepted as in 0012.
CREATE INDEX audit_events_actor_type ON audit_events (actor_id, event_type, id) WHERE event_type <> 'key.minted';
CREATE INDEX audit_events_organization_type ON audit_events (organization_id, event_type, id)
  WHERE event_type <> 'key.minted';

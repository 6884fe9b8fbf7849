-- Index for the events of one key, user or tenant, newest first. Mints stay out of this index as
-- they do of others (0012): the one of a key is found without it, by the time at which both their
-- ids begin.
CREATE INDEX audit_events_target ON audit_events (target_id, id) WHERE event_type <> 'key.minted';

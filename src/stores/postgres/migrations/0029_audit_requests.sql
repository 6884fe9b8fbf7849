-- Index for the events of one request, by its `x-request-id`. Without mints, like the other indexes
-- of this table: each index that takes them in costs a mint about 3 µs of Postgres.
CREATE INDEX audit_events_request ON audit_events (request_id) WHERE event_type <> 'key.minted';

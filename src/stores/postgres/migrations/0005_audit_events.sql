-- Audit log: who did what to which thing, written in the transaction of the change itself.
-- Append-only: not even the owner's own statements may update, delete or truncate, so that a slip
-- in the code cannot rewrite history.
CREATE TABLE audit_events (
  id               text COLLATE "C" PRIMARY KEY,
  event_type       text NOT NULL,
  actor_kind       text NOT NULL,
  actor_id         text NOT NULL,
  organization_id  text COLLATE "C",
  target_id        text NOT NULL,
  request_id       text,
  details          jsonb NOT NULL,
  created_at       timestamptz(3) NOT NULL
);

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit_events is append-only' USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

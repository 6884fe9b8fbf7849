-- The audit log as a chain of hashes. Writers only leave their events in a queue, in their own
-- transaction; a worker takes them out, gives each the next number and hashes it onto the one
-- before. The order is fixed there and not by the writers, so that no change waits for another
-- one's place in the chain, and an event that commits late is sealed late instead of never.
CREATE TABLE audit_unsealed (
  event_id  text COLLATE "C" PRIMARY KEY
);

-- hash = SHA-256 over the hash before, seq, and every column of the event
-- (src/domain/audit-seal.ts).
CREATE TABLE audit_seals (
  seq       bigint PRIMARY KEY,
  event_id  text COLLATE "C" NOT NULL UNIQUE,
  hash      bytea NOT NULL
);

-- The end of the chain after each round of sealing, signed under a key that is derived from a
-- pepper: whoever has only the database can compute hashes, but no signature. The last head is
-- signed anew when the current pepper is another one.
CREATE TABLE audit_heads (
  seq        bigint NOT NULL,
  pepper_id  text COLLATE "C" NOT NULL,
  hash       bytea NOT NULL,
  signature  bytea NOT NULL,
  sealed_at  timestamptz(3) NOT NULL,
  PRIMARY KEY (seq, pepper_id)
);

CREATE OR REPLACE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER audit_seals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seals
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_heads_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_heads
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_unsealed_stays BEFORE UPDATE OR TRUNCATE ON audit_unsealed
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

-- An event leaves the queue only with its seal, each looked up by itself: there are ever more of
-- them.
CREATE FUNCTION refuse_unsealed_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM gone
    LEFT JOIN LATERAL (SELECT seq FROM audit_seals WHERE event_id = gone.event_id LIMIT 1) seal ON true
    WHERE seal.seq IS NULL) THEN
    RAISE EXCEPTION 'an event leaves the queue only with its seal' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER audit_unsealed_sealed AFTER DELETE ON audit_unsealed REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_unsealed_removal();

-- By a trigger and not by the statements that write events, so that no writer can forget it; once
-- for a statement, since mints share one.
CREATE FUNCTION queue_audit_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO audit_unsealed (event_id) SELECT id FROM written;
  RETURN NULL;
END
$$;

CREATE TRIGGER audit_events_queued AFTER INSERT ON audit_events REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION queue_audit_events();

-- Events in an operator's or a tenant's name are queued under the same role.
GRANT INSERT ON audit_unsealed TO flowplate_tenant;

-- Creating the trigger has locked out every writer, so this is all that there is.
INSERT INTO audit_unsealed (event_id) SELECT id FROM audit_events;

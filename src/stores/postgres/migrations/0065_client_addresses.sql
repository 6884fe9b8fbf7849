-- The client address of each audit event that had one (docs/decisions/0051). It is an address of a
-- person where a person called, so it can be erased: it is not part of the chain of hashes, and the
-- append-only table lets it be emptied, and nothing else. A worker of the previous release seals
-- the events of this one alike, since the hash is over the same columns as before.
ALTER TABLE audit_events ADD COLUMN client_address text;

CREATE OR REPLACE TRIGGER audit_events_append_only
  BEFORE UPDATE OF id, event_type, actor_kind, actor_id, organization_id, target_id, request_id, on_behalf_of, result,
    details, created_at OR DELETE OR TRUNCATE ON audit_events
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

CREATE TRIGGER audit_events_address_erased BEFORE UPDATE OF client_address ON audit_events
  FOR EACH ROW WHEN (NEW.client_address IS NOT NULL) EXECUTE FUNCTION refuse_audit_change();

-- As in migration 0033, with the address. Events of the previous release have none.
CREATE OR REPLACE FUNCTION finish_change(
  events audit_events[], changes key_changes[],
  kept_id bytea, kept_body_hash bytea, kept_answer bytea, kept_at timestamptz, kept_not_before timestamptz,
  OUT previous_seq bigint, OUT last_seq bigint)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF cardinality(events) > 0 THEN
    INSERT INTO audit_events (id, event_type, actor_kind, actor_id, organization_id, target_id, request_id,
      on_behalf_of, result, details, created_at, client_address)
    SELECT id, event_type, actor_kind, actor_id, organization_id, target_id, request_id,
      on_behalf_of, result, details, created_at, client_address
    FROM unnest(events);
  END IF;
  IF kept_id IS NOT NULL THEN
    DELETE FROM idempotency_keys WHERE id = kept_id AND created_at <= kept_not_before;
    INSERT INTO idempotency_keys (id, body_hash, sealed_answer, created_at)
    VALUES (kept_id, kept_body_hash, kept_answer, kept_at);
  END IF;
  SELECT appended.previous_seq, appended.last_seq INTO previous_seq, last_seq
  FROM append_key_changes(changes) AS appended;
END
$$;

-- As in migration 0040, with the address of the mint that reached the bound.
CREATE OR REPLACE FUNCTION tell_mint_bound(origin audit_events, bounded_id text, used bigint, bound bigint, told smallint,
  facts jsonb)
RETURNS smallint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  step smallint;
BEGIN
  FOREACH step IN ARRAY ARRAY[80, 100]::smallint[] LOOP
    CONTINUE WHEN step <= told OR used * 100 < bound * step;
    INSERT INTO audit_events (id, event_type, actor_kind, actor_id, organization_id, target_id, request_id,
      on_behalf_of, result, details, created_at, client_address)
    VALUES (left(origin.id, -13) || left(md5(origin.id || (facts ->> 'bound') || step), 13),
      'master_key.mint_quota.reached', origin.actor_kind, origin.actor_id, NULL, bounded_id, origin.request_id,
      origin.on_behalf_of, origin.result, facts || jsonb_build_object('percent', step, 'limit', bound),
      origin.created_at, origin.client_address);
    told := step;
  END LOOP;
  RETURN told;
END
$$;

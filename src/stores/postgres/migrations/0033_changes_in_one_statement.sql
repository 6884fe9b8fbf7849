-- The end of every change in one statement, and a revoke as one statement (docs/decisions/0026).
--
-- VOLATILE matters in all of them: each query of a volatile function gets a snapshot of its own. So
-- a row is read after the lock before it was taken, also from the middle of a larger statement.

-- Appends to the feed under its lock, and announces its new end. previous_seq is the end of
-- the feed before: a verifier that has applied exactly that much knows everything up to last_seq.
-- Without changes it takes no lock, and previous_seq is the end of the feed.
CREATE FUNCTION append_key_changes(changes key_changes[], OUT previous_seq bigint, OUT last_seq bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  change key_changes;
BEGIN
  IF cardinality(changes) > 0 THEN
    PERFORM pg_advisory_xact_lock(5201001);
  END IF;
  previous_seq := coalesce((SELECT max(seq) FROM key_changes), 0);
  FOREACH change IN ARRAY changes LOOP
    INSERT INTO key_changes (kind, subject_id, revision, status)
    VALUES (change.kind, change.subject_id, change.revision, change.status) RETURNING seq INTO last_seq;
  END LOOP;
  IF cardinality(changes) > 0 THEN
    PERFORM pg_notify('key_changes', last_seq::text);
  END IF;
END
$$;

-- The last statement of every change: its audit events, the kept answer of an idempotent request
-- (none when kept_id is null), and its entries in the feed. The feed is last, since all other
-- changes wait from there to the commit.
CREATE FUNCTION finish_change(
  events audit_events[], changes key_changes[],
  kept_id bytea, kept_body_hash bytea, kept_answer bytea, kept_at timestamptz, kept_not_before timestamptz,
  OUT previous_seq bigint, OUT last_seq bigint)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF cardinality(events) > 0 THEN
    INSERT INTO audit_events (id, event_type, actor_kind, actor_id, organization_id, target_id, request_id,
      on_behalf_of, result, details, created_at)
    SELECT id, event_type, actor_kind, actor_id, organization_id, target_id, request_id,
      on_behalf_of, result, details, created_at
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

-- Revokes a user key, and its predecessors in grace if it is active: they are the same credential.
-- A whole change: it ends in finish_change.
--
-- held  Whether the caller may act; nothing happens otherwise. seen_organizations and
-- seen_environments  What the caller can see; null for all. origin  The caller's event, about no
-- key yet. Its id is that of the first event; the others get ids of the same time.
--
-- keys  The wanted key and its predecessors as they were before, each with its new revision: null
-- when it was revoked already. Null when no such key can be seen.
CREATE FUNCTION revoke_key(
  held boolean, wanted_id text, seen_organizations text[], seen_environments text[], origin audit_events,
  OUT keys jsonb, OUT previous_seq bigint, OUT last_seq bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  wanted api_keys;
  key api_keys;
  new_revision bigint;
  event audit_events := origin;
  events audit_events[] := '{}';
  change key_changes;
  changes key_changes[] := '{}';
BEGIN
  IF held IS NOT TRUE THEN
    RETURN;
  END IF;
  SELECT * INTO wanted FROM api_keys
  WHERE id = wanted_id AND (seen_organizations IS NULL OR organization_id = ANY (seen_organizations))
    AND (seen_environments IS NULL OR environment = ANY (seen_environments));
  IF NOT FOUND THEN
    RETURN;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended(wanted.user_id, 5201));
  SELECT * INTO wanted FROM api_keys WHERE id = wanted_id;
  keys := '[]';
  FOR key IN
    SELECT * FROM api_keys WHERE id = wanted_id
    UNION ALL
    SELECT * FROM api_keys
    WHERE wanted.status = 'active' AND lineage_id = wanted.lineage_id AND status = 'superseded'
  LOOP
    UPDATE api_keys SET status = 'revoked', revoked_at = origin.created_at, updated_at = origin.created_at,
      revision = revision + 1
    WHERE id = key.id AND status <> 'revoked' RETURNING revision INTO new_revision;
    keys := keys || jsonb_build_object('id', key.id, 'organizationId', key.organization_id,
      'environment', key.environment, 'status', key.status, 'expiresAt', key.expires_at,
      'supersededUntil', key.superseded_until, 'revision', new_revision);
    CONTINUE WHEN new_revision IS NULL;
    IF events <> '{}' THEN
      event.id := left(origin.id, -13) || left(md5(origin.id || key.id), 13);
    END IF;
    event.organization_id := key.organization_id;
    event.target_id := key.id;
    event.details := jsonb_build_object(
      'user_id', key.user_id, 'environment', key.environment, 'key_prefix', key.key_prefix);
    events := events || event;
    change.kind := 'key';
    change.subject_id := key.id;
    change.revision := new_revision;
    changes := changes || change;
  END LOOP;
  SELECT finished.previous_seq, finished.last_seq INTO previous_seq, last_seq
  FROM finish_change(events, changes, NULL, NULL, NULL, NULL, NULL) AS finished;
END
$$;

-- The line of keys that a refresh continues, read under the lock of the user's keys: the active key
-- of an owner, then its predecessors in grace, the first to end first. Without an active key, and
-- with with_expired, the one that expired last. None when a later line exists: its end, perhaps a
-- revoke, is what counts.
CREATE FUNCTION lock_last_line(
  wanted_user_id text, wanted_organization_id text, wanted_environment text, with_expired boolean)
RETURNS SETOF api_keys
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  last api_keys;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(wanted_user_id, 5201));
  SELECT * INTO last FROM api_keys
  WHERE kind = 'user' AND user_id = wanted_user_id AND organization_id = wanted_organization_id
    AND environment = wanted_environment AND status = 'active';
  IF NOT FOUND AND with_expired THEN
    SELECT * INTO last FROM api_keys AS candidate
    WHERE kind = 'user' AND user_id = wanted_user_id AND organization_id = wanted_organization_id
      AND environment = wanted_environment AND status IN ('active', 'expired') AND (status = 'active' OR NOT EXISTS (
        SELECT FROM api_keys AS later
        WHERE later.kind = 'user' AND later.user_id = candidate.user_id
          AND later.organization_id = candidate.organization_id AND later.environment = candidate.environment
          AND later.lineage_id <> candidate.lineage_id AND later.created_at > candidate.created_at))
    ORDER BY status = 'active' DESC, expires_at DESC LIMIT 1;
  END IF;
  IF last.id IS NULL THEN
    RETURN;
  END IF;
  RETURN NEXT last;
  RETURN QUERY SELECT * FROM api_keys
    WHERE lineage_id = last.lineage_id AND status = 'superseded' ORDER BY superseded_until, id;
END
$$;

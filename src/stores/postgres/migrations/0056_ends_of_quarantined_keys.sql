-- Changes that end keys end quarantined ones too (docs/decisions/0047). Their rows say `revoked`
-- already, but a release would bring them back. The functions of migrations 0041 and 0042 are as
-- before, apart from that.

CREATE OR REPLACE FUNCTION end_stopped_keys(wanted_ids text[]) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  changed_at timestamptz(3) := clock_timestamp();
  event_start text := audit_event_start(changed_at);
  ended bigint;
BEGIN
  WITH ended AS (
    UPDATE api_keys AS key SET status = 'revoked', revoked_at = stop.created_at, revoked_reason = stop.reason,
      quarantined_until = NULL, updated_at = changed_at, revision = key.revision + 1
    FROM api_keys AS before CROSS JOIN LATERAL living_stop(before) AS stop
    WHERE before.id = ANY (wanted_ids) AND key.id = before.id
      AND (key.status <> 'revoked' OR key.quarantined_until IS NOT NULL)
    RETURNING key.id, key.organization_id, key.user_id, key.environment, key.key_prefix,
      stop.id AS stop_id, stop.reason, stop.actor_kind, stop.actor_id, stop.request_id, stop.on_behalf_of
  ), audited AS (
    INSERT INTO audit_events (id, event_type, actor_kind, actor_id, organization_id, target_id, request_id,
      on_behalf_of, result, details, created_at)
    SELECT event_start || left(md5(gen_random_uuid()::text || ended.id), 13), 'key.revoked', actor_kind, actor_id,
      organization_id, ended.id, request_id, on_behalf_of, 'success',
      jsonb_build_object('user_id', user_id, 'environment', environment, 'key_prefix', key_prefix,
        'reason', reason, 'stop_id', stop_id), changed_at
    FROM ended
  ), counted AS (
    INSERT INTO key_stop_counts AS counts (stop_id, shard, keys)
    SELECT stop_id, pg_backend_pid() % 64, count(*) FROM ended GROUP BY stop_id ORDER BY stop_id
    ON CONFLICT (stop_id, shard) DO UPDATE SET keys = counts.keys + excluded.keys
  )
  SELECT count(*) INTO ended FROM ended;
  RETURN ended;
END
$$;

CREATE OR REPLACE FUNCTION end_stopped_keys_of(wanted_user_id text, wanted_organization_id text, wanted_environment text)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF EXISTS (SELECT FROM key_stops WHERE tidied_at IS NULL) THEN
    PERFORM end_stopped_keys(ARRAY(
      SELECT id FROM api_keys AS key
      WHERE user_id = wanted_user_id AND organization_id = wanted_organization_id AND environment = wanted_environment
        AND kind = 'user' AND (status <> 'revoked' OR quarantined_until IS NOT NULL) AND is_stopped(key)));
  END IF;
END
$$;

-- New besides: without an active key the line of a quarantined one is continued, as long as no
-- later line exists. The caller sees from quarantined_until whether that is over.
CREATE OR REPLACE FUNCTION lock_last_line(
  wanted_user_id text, wanted_organization_id text, wanted_environment text, with_expired boolean)
RETURNS SETOF api_keys
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  last api_keys;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(wanted_user_id, 5201));
  PERFORM end_stopped_keys_of(wanted_user_id, wanted_organization_id, wanted_environment);
  SELECT * INTO last FROM api_keys
  WHERE kind = 'user' AND user_id = wanted_user_id AND organization_id = wanted_organization_id
    AND environment = wanted_environment AND status = 'active';
  IF NOT FOUND THEN
    SELECT * INTO last FROM api_keys AS candidate
    WHERE kind = 'user' AND user_id = wanted_user_id AND organization_id = wanted_organization_id
      AND environment = wanted_environment AND quarantined_until IS NOT NULL AND superseded_until IS NULL AND NOT EXISTS (
        SELECT FROM api_keys AS later
        WHERE later.kind = 'user' AND later.user_id = candidate.user_id
          AND later.organization_id = candidate.organization_id AND later.environment = candidate.environment
          AND later.lineage_id <> candidate.lineage_id AND later.created_at > candidate.created_at)
    ORDER BY id DESC LIMIT 1;
  END IF;
  IF last.id IS NULL AND with_expired THEN
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
    WHERE lineage_id = last.lineage_id AND (status = 'superseded' OR quarantined_until IS NOT NULL) AND id <> last.id
    ORDER BY superseded_until, id;
END
$$;

CREATE OR REPLACE FUNCTION revoke_key(
  held boolean, wanted_id text, seen_organizations text[], seen_environments text[], origin audit_events, reason text,
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
  PERFORM end_stopped_keys_of(wanted.user_id, wanted.organization_id, wanted.environment);
  SELECT * INTO wanted FROM api_keys WHERE id = wanted_id;
  keys := '[]';
  FOR key IN
    SELECT * FROM api_keys WHERE id = wanted_id
    UNION ALL
    SELECT * FROM api_keys
    WHERE (wanted.status = 'active' OR (wanted.quarantined_until IS NOT NULL AND wanted.superseded_until IS NULL))
      AND lineage_id = wanted.lineage_id AND (status = 'superseded' OR quarantined_until IS NOT NULL)
      AND id <> wanted_id
  LOOP
    UPDATE api_keys SET status = 'revoked', revoked_at = origin.created_at, revoked_reason = reason,
      quarantined_until = NULL, updated_at = origin.created_at, revision = revision + 1
    WHERE id = key.id AND (status <> 'revoked' OR quarantined_until IS NOT NULL) RETURNING revision INTO new_revision;
    keys := keys || jsonb_build_object('id', key.id, 'organizationId', key.organization_id,
      'environment', key.environment, 'status', key.status, 'expiresAt', key.expires_at,
      'supersededUntil', key.superseded_until, 'quarantinedUntil', key.quarantined_until, 'revision', new_revision);
    CONTINUE WHEN new_revision IS NULL;
    IF events <> '{}' THEN
      event.id := left(origin.id, -13) || left(md5(origin.id || key.id), 13);
    END IF;
    event.organization_id := key.organization_id;
    event.target_id := key.id;
    event.details := jsonb_build_object(
      'user_id', key.user_id, 'environment', key.environment, 'key_prefix', key.key_prefix, 'reason', reason);
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

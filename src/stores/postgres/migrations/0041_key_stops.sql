-- Stops: the revocation of all keys of a master key, a user or an organization at once, as a rule
-- that is one entry of the change feed (docs/decisions/0038).
--
-- mint_number_below  Drawn under the lock of the feed. Keys with a lower number are stopped, so a
-- mint that begins after the stop has committed is not touched.
-- reason, actor_kind to on_behalf_of  Who ordered it, and why: for the audit event of each key.
-- place  Id of the last key into whose row the worker has written `revoked` in this pass.
-- writers  Transactions that wrote keys when the worker came first. One of them may have drawn a
-- lower number without having committed yet.
-- is_last_pass  Whether this pass over the keys began after all of them were over, and has found no
-- key whose row does not say it yet.
-- tidied_at  All rows say it themselves, and the rule is not asked any more.
CREATE TABLE key_stops (
  id                 text COLLATE "C" PRIMARY KEY,
  kind               text NOT NULL CHECK (kind IN ('minted_by', 'user', 'organization')),
  subject            text COLLATE "C" NOT NULL,
  mint_number_below  bigint NOT NULL,
  created_before     timestamptz(3),
  reason             text NOT NULL,
  actor_kind         text NOT NULL,
  actor_id           text COLLATE "C" NOT NULL,
  request_id         text,
  on_behalf_of       text,
  created_at         timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  place              text COLLATE "C" NOT NULL DEFAULT '',
  writers            text[],
  is_last_pass       boolean NOT NULL DEFAULT false,
  tidied_at          timestamptz(3)
);

CREATE INDEX key_stops_live ON key_stops (subject) WHERE tidied_at IS NULL;

-- How many rows say it themselves. A row for each of 64 shards, chosen by connection, so that mints
-- and refreshes that meet stopped keys do not wait for one another's commit.
CREATE TABLE key_stop_counts (
  stop_id  text COLLATE "C" NOT NULL,
  shard    integer NOT NULL,
  keys     bigint NOT NULL,
  PRIMARY KEY (stop_id, shard)
);

-- upgrade: refuses key_changes: the new constraint allows all that the one before allowed
ALTER TABLE key_changes DROP CONSTRAINT key_changes_kind_check;
ALTER TABLE key_changes ADD CONSTRAINT key_changes_kind_check CHECK (kind IN (
  'key', 'master_key', 'organization', 'platform_user', 'role', 'stop_minted_by', 'stop_user', 'stop_organization'))
  NOT VALID;

-- The master key that minted a key. The fill of minted_by may not have come to it: then its audit
-- event says it, whose id begins with the same time. Only asked while a stop wants to know.
CREATE FUNCTION minter_of(key api_keys) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE
    WHEN key.minted_by IS NOT NULL THEN key.minted_by
    WHEN EXISTS (SELECT FROM key_stops WHERE tidied_at IS NULL AND kind = 'minted_by') THEN (
      SELECT actor_id FROM audit_events
      WHERE id >= 'evt_' || substr(key.id, 5, 9) AND id < 'evt_' || substr(key.id, 5, 9) || '~'
        AND target_id = key.id AND actor_kind = 'master_key' AND event_type IN ('key.minted', 'key.refreshed')
      LIMIT 1)
  END
$$;

-- The stop of a key whose row does not say it yet; of several the first. No row for any other key.
-- A key that expired too long ago for a refresh stays expired.
CREATE FUNCTION living_stop(key api_keys) RETURNS SETOF key_stops ROWS 1 LANGUAGE sql STABLE AS $$
  SELECT stop.* FROM (SELECT minter_of(key) AS minter OFFSET 0) AS issued
    JOIN key_stops AS stop ON stop.subject IN (issued.minter, key.user_id, key.organization_id)
  WHERE stop.tidied_at IS NULL
    AND stop.subject = CASE stop.kind WHEN 'minted_by' THEN issued.minter WHEN 'user' THEN key.user_id ELSE key.organization_id END
    AND key.kind = 'user' AND coalesce(key.mint_number, 0) < stop.mint_number_below
    AND (stop.created_before IS NULL OR key.created_at < stop.created_before)
    AND NOT (key.status = 'expired' AND key.expires_at < stop.created_at - interval '30 days')
  ORDER BY stop.mint_number_below LIMIT 1
$$;

CREATE FUNCTION is_stopped(key api_keys) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM living_stop(key))
$$;

-- Draws the number of a stop under the lock of the feed, so that it lies in the order of the feed
-- too: a refresh that commits before it has drawn a lower number, and one that commits after it
-- sees the stop (refuse_refresh_of_stopped_key). finish_change follows at once.
-- Null while an API process of the release before has a lease. It knows no stops, and would accept
-- their keys from its memory; refuse_lease_without_stops keeps new ones away.
CREATE FUNCTION begin_stop(
  stop_id text, stop_kind text, stop_subject text, stop_created_before timestamptz, stop_reason text,
  stop_actor_kind text, stop_actor_id text, stop_request_id text, stop_on_behalf_of text)
RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  number_below bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(5201007);
  IF EXISTS (SELECT FROM verifiers WHERE master_key_id IS NULL AND NOT knows_stops AND lease_until > clock_timestamp()) THEN
    RETURN NULL;
  END IF;
  PERFORM pg_advisory_xact_lock(5201001);
  number_below := nextval('mint_numbers');
  INSERT INTO key_stops (id, kind, subject, mint_number_below, created_before, reason,
    actor_kind, actor_id, request_id, on_behalf_of)
  VALUES (stop_id, stop_kind, stop_subject, number_below, stop_created_before, stop_reason,
    stop_actor_kind, stop_actor_id, stop_request_id, stop_on_behalf_of);
  RETURN number_below;
END
$$;

-- API processes that know stops say so. Those of the release before get no lease while a stop
-- lives, and for eleven minutes after: their records in Redis may be from before it, and they begin
-- with what is younger than that. Without a lease they read the row of each key. The shared lock
-- orders their leases and stops.
ALTER TABLE verifiers ADD COLUMN knows_stops boolean NOT NULL DEFAULT false;

CREATE FUNCTION refuse_lease_without_stops() RETURNS trigger LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(5201007);
  IF EXISTS (SELECT FROM key_stops WHERE tidied_at IS NULL OR tidied_at > clock_timestamp() - interval '11 minutes') THEN
    RAISE EXCEPTION 'Keys were stopped all at once: a process of this release gets no lease now'
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  RETURN NEW;
END
$$;

CREATE TRIGGER verifiers_know_stops BEFORE INSERT OR UPDATE OF lease_until ON verifiers
  FOR EACH ROW WHEN (NEW.master_key_id IS NULL AND NOT NEW.knows_stops AND NEW.lease_until > clock_timestamp())
  EXECUTE FUNCTION refuse_lease_without_stops();

-- Writes into the rows of these keys what a stop has made of them, each with its audit event in the
-- name of the stop's orderer, and returns how many there were. Nothing goes into the feed:
-- verifiers have heard of the stop. The caller holds the locks of the keys' users.
CREATE FUNCTION end_stopped_keys(wanted_ids text[]) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  changed_at timestamptz(3) := clock_timestamp();
  event_start text := audit_event_start(changed_at);
  ended bigint;
BEGIN
  WITH ended AS (
    UPDATE api_keys AS key SET status = 'revoked', revoked_at = stop.created_at, revoked_reason = stop.reason,
      updated_at = changed_at, revision = key.revision + 1
    FROM api_keys AS before CROSS JOIN LATERAL living_stop(before) AS stop
    WHERE before.id = ANY (wanted_ids) AND key.id = before.id AND key.status <> 'revoked'
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

-- What the ids of audit events of one millisecond begin with (domain/ids.ts).
CREATE FUNCTION audit_event_start(at timestamptz) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  digits text := '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  rest bigint := floor(extract(epoch FROM at) * 1000);
  start text := '';
BEGIN
  FOR place IN 1..9 LOOP
    start := substr(digits, (rest % 62)::integer + 1, 1) || start;
    rest := rest / 62;
  END LOOP;
  RETURN 'evt_' || start;
END
$$;

-- The same for the keys of one owner, before a change of them: it then reads what they are. Changes
-- of the owner's keys wait for the lock, which the caller holds already.
CREATE FUNCTION end_stopped_keys_of(wanted_user_id text, wanted_organization_id text, wanted_environment text)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF EXISTS (SELECT FROM key_stops WHERE tidied_at IS NULL) THEN
    PERFORM end_stopped_keys(ARRAY(
      SELECT id FROM api_keys AS key
      WHERE user_id = wanted_user_id AND organization_id = wanted_organization_id AND environment = wanted_environment
        AND kind = 'user' AND status <> 'revoked' AND is_stopped(key)));
  END IF;
END
$$;

-- A refresh and a stop are in one order, that of the feed, whose lock both hold at their commit.
-- This runs at the commit of a refresh: the stops that committed before it are seen, however late
-- they came. A key that was stopped has no successor.
CREATE FUNCTION refuse_refresh_of_stopped_key() RETURNS trigger LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  before api_keys;
BEGIN
  IF NOT EXISTS (SELECT FROM key_stops WHERE tidied_at IS NULL) THEN
    RETURN NULL;
  END IF;
  SELECT * INTO before FROM api_keys
  WHERE (id = NEW.lineage_id OR (lineage_id = NEW.lineage_id AND id <> lineage_id)) AND id <> NEW.id
  ORDER BY coalesce(mint_number, 0) DESC, id DESC LIMIT 1;
  IF is_stopped(before) THEN
    RAISE EXCEPTION 'This key was stopped' USING ERRCODE = 'FLK01';
  END IF;
  RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER api_keys_refresh_of_stopped AFTER INSERT ON api_keys
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.kind = 'user' AND NEW.id <> NEW.lineage_id)
  EXECUTE FUNCTION refuse_refresh_of_stopped_key();

-- Of migration 0033, and new in it: a key that was stopped is revoked before it is looked for.
-- revoke_key does the same since migration 0042.
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

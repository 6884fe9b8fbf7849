-- Reasons of every end, and orders about many keys at once (docs/decisions/0039).

-- Null while the master key lives, and where no reason was given.
ALTER TABLE master_keys ADD COLUMN revoked_reason text;

-- Orders about many keys need keys:bulk. Master keys that were made to hold everything keep holding
-- everything.
-- upgrade: blocks master_keys: it has some dozen rows
UPDATE master_keys SET permissions = permissions || '{keys:bulk}'
WHERE permissions @> '{keys:mint,keys:refresh,keys:revoke,keys:read,keys:verify,keys:verify:embedded,keys:explain,usage:read}'
  AND NOT permissions @> '{keys:bulk}';

-- The revoke of one key (migration 0033), now with a reason. It sees first what a stop has made of
-- the key.
-- upgrade: removes revoke_key: younger than the previous release, and no function calls it
DROP FUNCTION revoke_key(boolean, text, text[], text[], audit_events);
CREATE FUNCTION revoke_key(
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
    WHERE wanted.status = 'active' AND lineage_id = wanted.lineage_id AND status = 'superseded'
  LOOP
    UPDATE api_keys SET status = 'revoked', revoked_at = origin.created_at, revoked_reason = reason,
      updated_at = origin.created_at, revision = revision + 1
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

-- Orders about more keys than one call ends. The worker carries them out in batches; a batch and
-- its progress are one transaction, so that a killed worker's successor goes on where it stopped.
--
-- filter  The selection, in the names of the API.
-- organization_ids and environments  Allow-lists of the caller when it ordered; null for all.
-- newest_mint_number  That of the newest key of the preview: later ones are not touched.
-- place  Where the next batch begins, from the newest key to the oldest.
CREATE TABLE bulk_orders (
  id                  text COLLATE "C" PRIMARY KEY,
  action              text NOT NULL,
  filter              jsonb NOT NULL,
  reason              text,
  organization_ids    text[],
  environments        text[],
  newest_mint_number  bigint,
  orderer_kind        text NOT NULL,
  orderer_id          text COLLATE "C" NOT NULL,
  on_behalf_of        text,
  request_id          text,
  status              text NOT NULL DEFAULT 'queued'
    CHECK (status IN ('queued', 'running', 'completed', 'cancelled', 'failed')),
  fault               text,
  total               bigint NOT NULL,
  affected            bigint NOT NULL DEFAULT 0,
  place               text COLLATE "C",
  created_at          timestamptz(3) NOT NULL,
  updated_at          timestamptz(3) NOT NULL,
  finished_at         timestamptz(3)
);

CREATE INDEX bulk_orders_open ON bulk_orders (created_at) WHERE status IN ('queued', 'running');

-- Indexes for the lists and searches of operators, and for a tenant's questions about keys that it
-- cannot see.

-- Tenants, newest first: ids that callers bring do not sort by time. And those whose names have a
-- text in them (0014).
CREATE INDEX organizations_newest ON organizations (created_at, id);
CREATE INDEX organizations_name ON organizations USING gin (name_trigrams(lower(name))) WITH (fastupdate = off);

-- Hidden user keys of an organization, newest first; of an environment, in one organization or in
-- all; and those whose shown part begins so.
CREATE INDEX api_keys_hidden ON api_keys (organization_id, id) WHERE kind = 'user';
CREATE INDEX api_keys_hidden_there ON api_keys (environment, organization_id, id) WHERE kind = 'user';
CREATE INDEX api_keys_hidden_prefix ON api_keys (key_prefix text_pattern_ops) WHERE kind = 'user';

-- The few among the many that are active. A mint pays nothing for these.
CREATE INDEX api_keys_hidden_ended ON api_keys (organization_id, id) WHERE kind = 'user' AND status <> 'active';
CREATE INDEX api_keys_hidden_ended_all ON api_keys (status, id) WHERE kind = 'user' AND status <> 'active';
CREATE INDEX api_keys_hidden_disabled ON api_keys (organization_id, id)
  WHERE kind = 'user' AND status = 'active' AND NOT enabled;

-- How many keys each master key has minted. Counting a million audit events takes longer than a
-- list should, and one row for each master key would put all mints into one line: so every
-- connection adds to a slot of its own, and a reader adds up the slots.
CREATE TABLE master_key_mints (
  master_key_id  text COLLATE "C" NOT NULL,
  slot           smallint NOT NULL,
  minted         bigint NOT NULL,
  PRIMARY KEY (master_key_id, slot)
) WITH (fillfactor = 50);

INSERT INTO master_key_mints (master_key_id, slot, minted)
  SELECT actor_id, 0, count(*) FROM audit_events
  WHERE event_type = 'key.minted' AND actor_kind = 'master_key' GROUP BY actor_id;

-- A tenant may not delete an environment in which keys are alive, and hidden ones are nobody's but
-- the platform's: this says only whether there are any, and only about the tenant that the
-- transaction is for (migration 0013).
CREATE FUNCTION is_environment_in_use(slug text, at timestamptz) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT EXISTS (
    SELECT FROM public.api_keys
    WHERE organization_id = public.current_tenant() AND environment = slug AND kind = 'user'
      AND status IN ('active', 'superseded') AND (expires_at IS NULL OR expires_at > at)
      AND (superseded_until IS NULL OR superseded_until > at)
  ) OR EXISTS (
    SELECT FROM public.api_keys
    WHERE organization_id = public.current_tenant() AND environment = slug AND kind IN ('tenant', 'platform')
      AND status = 'active' AND (expires_at IS NULL OR expires_at > at)
  )
$$;

REVOKE ALL ON FUNCTION is_environment_in_use(text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION is_environment_in_use(text, timestamptz) TO flowplate_tenant;

-- Lists of tenant and platform keys among a million of them, newest first: each filter has an order
-- to walk in, or a set to start from. All of it is partial, so that hidden keys, which come in
-- floods, pay nothing for it.
CREATE INDEX api_keys_shown_status ON api_keys (organization_id, status, id) WHERE kind IN ('tenant', 'platform');
CREATE INDEX api_keys_shown_all_status ON api_keys (status, id) WHERE kind IN ('tenant', 'platform');
CREATE INDEX api_keys_shown_disabled ON api_keys (organization_id, id)
  WHERE status = 'active' AND NOT enabled AND kind IN ('tenant', 'platform');
-- Past their expiry and not yet met by the sweep: they count and are listed as expired all the
-- same.
CREATE INDEX api_keys_shown_due ON api_keys (expires_at)
  WHERE status = 'active' AND expires_at IS NOT NULL AND kind IN ('tenant', 'platform');
CREATE INDEX api_keys_shown_due_there ON api_keys (organization_id, expires_at)
  WHERE status = 'active' AND expires_at IS NOT NULL AND kind IN ('tenant', 'platform');
CREATE INDEX api_keys_shown_prefix ON api_keys (key_prefix COLLATE "C") WHERE kind IN ('tenant', 'platform');
CREATE INDEX api_keys_shown_scopes ON api_keys USING gin (scopes) WITH (fastupdate = off)
  WHERE kind IN ('tenant', 'platform');

-- What pg_trgm does, of which not every server has a copy: all runs of three characters.
CREATE FUNCTION name_trigrams(name_key text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT array_agg(DISTINCT substr(name_key, first, 3)) FROM generate_series(1, length(name_key) - 2) AS first
$$;

-- Without fastupdate: every search would read the whole list of what is still pending.
CREATE INDEX api_keys_shown_name ON api_keys USING gin (name_trigrams(name_key)) WITH (fastupdate = off)
  WHERE kind IN ('tenant', 'platform');

-- How many tenant and platform keys there are, by state. A row for each of 64 shards, chosen by
-- connection: what is being counted in one transaction does not wait for another's commit. A
-- transaction writes one row only, so none wait in a circle.
CREATE TABLE api_key_counts (
  shard    integer PRIMARY KEY,
  total    bigint NOT NULL,
  active   bigint NOT NULL,
  expired  bigint NOT NULL
);

-- Runs as its owner: a tenant's transaction counts, but cannot see or change the counts.
CREATE FUNCTION count_api_key() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  more_total integer := 0;
  more_active integer := 0;
  more_expired integer := 0;
BEGIN
  IF TG_OP <> 'DELETE' THEN
    more_total := 1;
    more_active := (NEW.status = 'active' AND NEW.enabled)::integer;
    more_expired := (NEW.status = 'expired')::integer;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    more_total := more_total - 1;
    more_active := more_active - (OLD.status = 'active' AND OLD.enabled)::integer;
    more_expired := more_expired - (OLD.status = 'expired')::integer;
  END IF;
  INSERT INTO api_key_counts AS counts (shard, total, active, expired)
  VALUES (pg_backend_pid() % 64, more_total, more_active, more_expired)
  ON CONFLICT (shard) DO UPDATE SET total = counts.total + excluded.total,
    active = counts.active + excluded.active, expired = counts.expired + excluded.expired;
  RETURN NULL;
END
$$;

CREATE TRIGGER api_keys_count_new AFTER INSERT ON api_keys
  FOR EACH ROW WHEN (NEW.kind IN ('tenant', 'platform')) EXECUTE FUNCTION count_api_key();
CREATE TRIGGER api_keys_count_changed AFTER UPDATE OF status, enabled ON api_keys
  FOR EACH ROW WHEN (NEW.kind IN ('tenant', 'platform') AND (OLD.status, OLD.enabled) IS DISTINCT FROM (NEW.status, NEW.enabled))
  EXECUTE FUNCTION count_api_key();
CREATE TRIGGER api_keys_count_gone AFTER DELETE ON api_keys
  FOR EACH ROW WHEN (OLD.kind IN ('tenant', 'platform')) EXECUTE FUNCTION count_api_key();

-- Accepted calls of all keys, by UTC day, in shards for the same reason. usage_days has a row for
-- each key.
CREATE TABLE accepted_calls (
  day    date NOT NULL,
  shard  integer NOT NULL,
  calls  bigint NOT NULL,
  PRIMARY KEY (day, shard)
);

INSERT INTO accepted_calls (day, shard, calls)
SELECT day, 0, sum(calls) FROM usage_days WHERE code IN ('VALID', 'SUPERSEDED') GROUP BY day;

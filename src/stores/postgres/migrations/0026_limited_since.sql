-- Since when a key has a rate limit or a quota, for one that was made without: until then gateways
-- decided about it by themselves and may still report it. Null for a key that was born limited, and
-- for one whose limits are older than this column.
ALTER TABLE api_keys ADD COLUMN limited_since timestamptz(3);

CREATE FUNCTION note_limited_since() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.limited_since := clock_timestamp();
  RETURN NEW;
END
$$;

CREATE TRIGGER api_keys_limited_since BEFORE UPDATE OF rate_limit, quota ON api_keys
  FOR EACH ROW WHEN (OLD.rate_limit IS NULL AND OLD.quota IS NULL AND (NEW.rate_limit IS NOT NULL OR NEW.quota IS NOT NULL))
  EXECUTE FUNCTION note_limited_since();

-- The keys of a line after its first, newest last. A mint pays nothing for it.
CREATE INDEX api_keys_successors ON api_keys (lineage_id, id) WHERE id <> lineage_id;

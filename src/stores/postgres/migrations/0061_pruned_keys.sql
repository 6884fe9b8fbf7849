-- Counts of minted keys (migration 0040) follow the deletion of keys: the worker prunes ended ones.
CREATE FUNCTION count_deleted_keys() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO minted_key_count_changes (master_key_id, organization_id, living, total)
  SELECT minted_by, organization_id, -count(*) FILTER (WHERE status = 'active'), -count(*)
  FROM old_rows WHERE minted_by IS NOT NULL AND kind = 'user' GROUP BY minted_by, organization_id;
  RETURN NULL;
END
$$;

CREATE TRIGGER api_keys_count_deleted AFTER DELETE ON api_keys
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION count_deleted_keys();

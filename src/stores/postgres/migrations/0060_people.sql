-- Names and e-mail addresses of platform users and API users (docs/decisions/0051). Audit events
-- name people by id only, so a row here is all that makes an id a person, and erasing it leaves the
-- hash chain valid. The row outlives its user, so that old events still show a name.
-- Triggers write it, because processes of the previous release create and rename users too.
CREATE TABLE people (
  id         text COLLATE "C" PRIMARY KEY,
  kind       text NOT NULL CHECK (kind IN ('platform_user', 'api_user')),
  name       text,
  email      text,
  ended_at   timestamptz(3),
  erased_at  timestamptz(3),
  CHECK (erased_at IS NULL OR (ended_at IS NOT NULL AND name IS NULL AND email IS NULL))
);

CREATE FUNCTION note_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    UPDATE people SET ended_at = now() WHERE id = OLD.id;
  ELSE
    INSERT INTO people (id, kind, name, email) VALUES (NEW.id, TG_ARGV[0], NEW.name, NEW.email)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = excluded.email, ended_at = NULL, erased_at = NULL;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER platform_users_are_people AFTER INSERT OR DELETE OR UPDATE OF name, email ON platform_users
  FOR EACH ROW EXECUTE FUNCTION note_person('platform_user');
CREATE TRIGGER api_users_are_people AFTER INSERT OR DELETE OR UPDATE OF name, email ON api_users
  FOR EACH ROW EXECUTE FUNCTION note_person('api_user');

INSERT INTO people (id, kind, name, email)
SELECT id, 'platform_user', name, email FROM platform_users
UNION ALL SELECT id, 'api_user', name, email FROM api_users
ON CONFLICT (id) DO NOTHING;

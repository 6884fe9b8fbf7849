-- One table for every kind of key, one way to verify them. A key that belongs to no user stands for
-- itself: its user_id is its own id. Keys of the platform and of API users belong to an
-- organization whose id no caller can spell.
ALTER TABLE api_keys
  ADD COLUMN kind text NOT NULL DEFAULT 'user' CHECK (kind IN ('user', 'tenant', 'platform', 'api_user')),
  ADD COLUMN description text,
  ADD COLUMN key_suffix text,
  -- The name as searches compare it (domain/api-key.ts); of the kinds that have lists with a
  -- search.
  ADD COLUMN name_key text COLLATE "C",
  ADD COLUMN role_ids text[];

INSERT INTO organizations (id, name, created_at, updated_at) VALUES ('_platform', 'Platform', 'epoch', 'epoch');

-- At most one active key for a (user, organization, environment), of each kind that has users.
DROP INDEX api_keys_one_active;
CREATE UNIQUE INDEX api_keys_one_active ON api_keys (user_id, organization_id, environment)
  WHERE status = 'active' AND kind = 'user';
CREATE UNIQUE INDEX api_keys_one_active_of_api_user ON api_keys (user_id) WHERE status = 'active' AND kind = 'api_user';

-- Lists of tenant and platform keys, newest first: they are few among the hidden ones.
CREATE INDEX api_keys_shown ON api_keys (organization_id, id) WHERE kind IN ('tenant', 'platform');
CREATE INDEX api_keys_shown_all ON api_keys (id) WHERE kind IN ('tenant', 'platform');
CREATE INDEX api_keys_roles ON api_keys USING gin (role_ids) WHERE role_ids IS NOT NULL;

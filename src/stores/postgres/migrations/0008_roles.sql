-- Roles of operators: named lists of permissions. The built-in ones are rows like the others, so
-- that a name and a list of permissions is found in one place; a trigger keeps them as they are,
-- whatever the code does.
CREATE TABLE roles (
  id           text COLLATE "C" PRIMARY KEY,
  name         text NOT NULL,
  description  text,
  permissions  text[] NOT NULL,
  is_built_in  boolean NOT NULL DEFAULT false,
  created_at   timestamptz(3) NOT NULL,
  updated_at   timestamptz(3) NOT NULL
);

CREATE UNIQUE INDEX roles_name ON roles (lower(name));

INSERT INTO roles (id, name, description, permissions, is_built_in, created_at, updated_at) VALUES
  ('role_platform_admin', 'super-admin', 'Everything.',
    ARRAY['platform:users:read', 'platform:users:manage', 'platform:keys:read', 'platform:keys:manage',
      'platform:roles:read', 'platform:roles:manage', 'platform:tenants:read', 'platform:tenants:manage',
      'platform:audit:read', 'platform:audit:manage', 'platform:hidden_keys:read', 'platform:hidden_keys:manage',
      'platform:impersonate:read', 'platform:impersonate'], true, 'epoch', 'epoch'),
  ('role_platform_operator', 'admin', 'Runs the platform, but makes and removes no users and no roles.',
    ARRAY['platform:users:read', 'platform:users:manage', 'platform:keys:read', 'platform:keys:manage',
      'platform:roles:read', 'platform:tenants:read', 'platform:tenants:manage', 'platform:audit:read',
      'platform:hidden_keys:read', 'platform:hidden_keys:manage', 'platform:impersonate:read',
      'platform:impersonate'], true, 'epoch', 'epoch'),
  ('role_platform_viewer', 'read-only', 'Sees everything but the users, and changes nothing.',
    ARRAY['platform:keys:read', 'platform:roles:read', 'platform:tenants:read', 'platform:audit:read',
      'platform:hidden_keys:read', 'platform:impersonate:read'], true, 'epoch', 'epoch');

CREATE FUNCTION refuse_built_in_role_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'built-in roles cannot be changed' USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER roles_built_in BEFORE UPDATE OR DELETE ON roles
  FOR EACH ROW WHEN (OLD.is_built_in) EXECUTE FUNCTION refuse_built_in_role_change();

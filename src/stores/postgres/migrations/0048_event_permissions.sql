-- Permissions for events and webhooks (docs/decisions/0044). Of the built-in roles, those that run
-- the platform manage them, and the one that only sees reads them. Their trigger lets this through.
CREATE OR REPLACE FUNCTION refuse_built_in_role_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RETURN NEW;
END
$$;

UPDATE roles SET permissions = permissions || '{platform:events:read}'
WHERE is_built_in AND NOT permissions @> '{platform:events:read}';
UPDATE roles SET permissions = permissions || '{platform:events:manage}'
WHERE id IN ('role_platform_admin', 'role_platform_operator') AND NOT permissions @> '{platform:events:manage}';

CREATE OR REPLACE FUNCTION refuse_built_in_role_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'built-in roles cannot be changed' USING ERRCODE = 'restrict_violation';
END
$$;

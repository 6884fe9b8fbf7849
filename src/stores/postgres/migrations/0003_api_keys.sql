-- Every key that the verification path knows, whatever its kind: one table, one lookup by digest.
-- organization_id has no foreign key: each mint would lock the organization's row, and the insert
-- already selects from organizations, whose rows are never removed.
CREATE TABLE api_keys (
  id                text COLLATE "C" PRIMARY KEY,
  lineage_id        text COLLATE "C" NOT NULL,
  pepper_id         text NOT NULL,
  digest            bytea NOT NULL,
  key_prefix        text NOT NULL,
  user_id           text COLLATE "C" NOT NULL,
  organization_id   text COLLATE "C" NOT NULL,
  environment       text COLLATE "C" NOT NULL,
  name              text,
  metadata          jsonb NOT NULL,
  scopes            text[] NOT NULL,
  rate_limit        jsonb,
  quota             jsonb,
  ip_allowlist      text[],
  enabled           boolean NOT NULL DEFAULT true,
  status            text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'superseded', 'revoked', 'expired')),
  expires_at        timestamptz(3),
  superseded_until  timestamptz(3),
  revoked_at        timestamptz(3),
  revision          bigint NOT NULL DEFAULT 1,
  created_at        timestamptz(3) NOT NULL,
  updated_at        timestamptz(3) NOT NULL,
  CHECK ((status = 'superseded') <= (superseded_until IS NOT NULL))
);

CREATE UNIQUE INDEX api_keys_digest ON api_keys (digest);

-- At most one active key for a (user, organization, environment), under any race.
CREATE UNIQUE INDEX api_keys_one_active ON api_keys (user_id, organization_id, environment) WHERE status = 'active';

-- "All keys of this user", newest first within the user; and whether a revoked one ever existed.
CREATE INDEX api_keys_user ON api_keys (user_id, id);

-- Due work of the sweep: small, since only unfinished rows are in it.
CREATE INDEX api_keys_expiring ON api_keys (expires_at) WHERE status = 'active' AND expires_at IS NOT NULL;
CREATE INDEX api_keys_in_grace ON api_keys (superseded_until) WHERE status = 'superseded';
CREATE INDEX api_keys_lineage_in_grace ON api_keys (lineage_id) WHERE status = 'superseded';

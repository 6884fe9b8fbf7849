-- The credentials of internal backends and gateways. A generated one is stored as a peppered
-- digest; one that an operator chose may be weak, so it is stored under argon2id instead.
CREATE TABLE master_keys (
  id                text COLLATE "C" PRIMARY KEY,
  name              text NOT NULL,
  pepper_id         text,
  digest            bytea UNIQUE,
  password_hash     text,
  key_prefix        text,
  permissions       text[] NOT NULL,
  organization_ids  text[],
  environments      text[],
  ip_allowlist      text[],
  expires_at        timestamptz(3),
  revoked_at        timestamptz(3),
  revision          bigint NOT NULL DEFAULT 1,
  created_at        timestamptz(3) NOT NULL,
  CHECK ((digest IS NULL) = (pepper_id IS NULL)),
  CHECK ((digest IS NULL) <> (password_hash IS NULL))
);

-- Sign-in with the company's identity provider, accounts for when it is away, and log-ins of the
-- command line that a browser approves.
--
-- password_hash   Null for an account of the provider: it has no password.
-- is_break_glass  The account logs in with its password although others have to use the provider.
--
-- upgrade: refuses platform_users: the previous release does not set is_break_glass
-- upgrade: blocks platform_users: one row for each operator
ALTER TABLE platform_users ALTER COLUMN password_hash DROP NOT NULL;
ALTER TABLE platform_users ADD COLUMN is_break_glass boolean NOT NULL DEFAULT false;
ALTER TABLE platform_users ADD CONSTRAINT platform_users_break_glass_has_password
  CHECK (NOT is_break_glass OR password_hash IS NOT NULL);

-- An account belongs to a subject of an issuer. E-mail addresses change owners.
CREATE TABLE platform_identities (
  issuer      text COLLATE "C" NOT NULL,
  subject     text COLLATE "C" NOT NULL,
  user_id     text COLLATE "C" NOT NULL UNIQUE REFERENCES platform_users (id) ON DELETE CASCADE,
  created_at  timestamptz(3) NOT NULL,
  PRIMARY KEY (issuer, subject)
);

-- Sign-ins that are done: each works once. id is the SHA-256 of its nonce.
CREATE TABLE finished_sign_ins (
  id          bytea PRIMARY KEY,
  expires_at  timestamptz(3) NOT NULL
);

CREATE INDEX finished_sign_ins_expires ON finished_sign_ins (expires_at);

-- Device authorization (RFC 8628). Both codes are stored as keyed hashes.
--
-- place       Keyed hash of the network that asked, to bound how many one network may have open.
-- address, user_agent  What the person who approves is shown.
-- approved_by The portal session that approved; when it ends, so does what it approved.
CREATE TABLE device_logins (
  device_digest   bytea PRIMARY KEY,
  user_digest     bytea NOT NULL UNIQUE,
  place           bytea NOT NULL,
  address         text,
  user_agent      text,
  is_denied       boolean NOT NULL DEFAULT false,
  approved_by     text COLLATE "C" REFERENCES platform_sessions (id) ON DELETE CASCADE,
  interval_seconds integer NOT NULL,
  last_polled_at  timestamptz(3),
  created_at      timestamptz(3) NOT NULL,
  expires_at      timestamptz(3) NOT NULL
);

CREATE INDEX device_logins_place ON device_logins (place);
CREATE INDEX device_logins_expires ON device_logins (expires_at);
CREATE INDEX device_logins_approved ON device_logins (approved_by);

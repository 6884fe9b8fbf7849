-- Operators who are people. email is as it was typed, email_key what makes two of them the same.
CREATE TABLE platform_users (
  id             text COLLATE "C" PRIMARY KEY,
  email          text NOT NULL,
  email_key      text COLLATE "C" NOT NULL UNIQUE,
  name           text NOT NULL,
  password_hash  text NOT NULL,
  role_ids       text[] NOT NULL,
  is_active      boolean NOT NULL DEFAULT true,
  last_login_at  timestamptz(3),
  created_at     timestamptz(3) NOT NULL,
  updated_at     timestamptz(3) NOT NULL
);

CREATE INDEX platform_users_roles ON platform_users USING gin (role_ids);

-- A token is good only while its session is here: log-out, a changed password and deactivation
-- remove the row.
CREATE TABLE platform_sessions (
  id          text COLLATE "C" PRIMARY KEY,
  user_id     text COLLATE "C" NOT NULL REFERENCES platform_users (id) ON DELETE CASCADE,
  expires_at  timestamptz(3) NOT NULL,
  created_at  timestamptz(3) NOT NULL
);

CREATE INDEX platform_sessions_user ON platform_sessions (user_id);
CREATE INDEX platform_sessions_expires ON platform_sessions (expires_at);

-- The keys that sign tokens. The private half is sealed under the pepper: a stolen dump signs
-- nothing.
CREATE TABLE signing_keys (
  id                  text COLLATE "C" PRIMARY KEY,
  public_key          text NOT NULL,
  pepper_id           text NOT NULL,
  sealed_private_key  bytea NOT NULL,
  created_at          timestamptz(3) NOT NULL
);

-- Failed logins in a row, by keyed hash of the account, of the account with the address, or of the
-- address.
CREATE TABLE login_failures (
  subject         bytea PRIMARY KEY,
  failures        integer NOT NULL,
  last_failed_at  timestamptz(3) NOT NULL,
  blocked_until   timestamptz(3)
);

CREATE INDEX login_failures_last ON login_failures (last_failed_at);

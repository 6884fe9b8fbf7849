-- Second factors of platform users: TOTP apps and passkeys (docs/decisions/0024).
--
-- activated_at      Null while a TOTP app has not yet proved that it has the secret.
-- sealed_secret     The secret of a TOTP app, sealed under the pepper with this id.
-- last_step         The newest time step whose code was accepted: a code counts once.
-- credential_id     Of a passkey, chosen by its authenticator.
-- public_key        COSE.
-- sign_count        What the authenticator reported last; a lower one means a copy of the passkey.
-- rp_id             The host of the page where the passkey was made. It is good there alone.
CREATE TABLE second_factors (
  id             text COLLATE "C" PRIMARY KEY,
  user_id        text COLLATE "C" NOT NULL REFERENCES platform_users (id) ON DELETE CASCADE,
  kind           text NOT NULL CHECK (kind IN ('totp', 'passkey')),
  name           text NOT NULL,
  created_at     timestamptz(3) NOT NULL,
  activated_at   timestamptz(3),
  last_used_at   timestamptz(3),
  sealed_secret  bytea,
  pepper_id      text,
  last_step      bigint,
  credential_id  text UNIQUE,
  public_key     bytea,
  sign_count     bigint,
  transports     text[],
  rp_id          text,
  CHECK (kind <> 'totp' OR (sealed_secret IS NOT NULL AND pepper_id IS NOT NULL)),
  CHECK (kind <> 'passkey' OR (credential_id IS NOT NULL AND public_key IS NOT NULL AND sign_count IS NOT NULL AND rp_id IS NOT NULL))
);

-- One app to an account: a second one would double the codes that a guess can hit.
CREATE UNIQUE INDEX second_factors_totp ON second_factors (user_id) WHERE kind = 'totp';
CREATE INDEX second_factors_user ON second_factors (user_id);

-- Codes for who has lost their factors, as keyed hashes. A used one is deleted.
CREATE TABLE recovery_codes (
  digest      bytea PRIMARY KEY,
  user_id     text COLLATE "C" NOT NULL REFERENCES platform_users (id) ON DELETE CASCADE,
  created_at  timestamptz(3) NOT NULL
);

CREATE INDEX recovery_codes_user ON recovery_codes (user_id);

-- Challenges that passkeys sign: good for one account, one purpose, once, and for five minutes.
CREATE TABLE passkey_challenges (
  challenge   text COLLATE "C" PRIMARY KEY,
  user_id     text COLLATE "C" NOT NULL REFERENCES platform_users (id) ON DELETE CASCADE,
  purpose     text NOT NULL,
  expires_at  timestamptz(3) NOT NULL
);

CREATE INDEX passkey_challenges_user ON passkey_challenges (user_id, expires_at);
CREATE INDEX passkey_challenges_expires ON passkey_challenges (expires_at);

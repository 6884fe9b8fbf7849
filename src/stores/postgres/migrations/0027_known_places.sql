-- Places from which an account has logged in: there its owner gets in while others attack the
-- account from elsewhere.
--
-- id  Keyed hash of the account's address and the place. The table names no place, and a look-up
-- needs no account to exist.
CREATE TABLE known_places (
  id             bytea PRIMARY KEY,
  user_id        text COLLATE "C" NOT NULL REFERENCES platform_users (id) ON DELETE CASCADE,
  last_login_at  timestamptz(3) NOT NULL
);

CREATE INDEX known_places_user ON known_places (user_id, last_login_at);
CREATE INDEX known_places_last ON known_places (last_login_at);

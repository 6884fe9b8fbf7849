-- Uses of superseded keys by gateway (docs/decisions/0055): who has not taken up the new key yet.
-- Usage is counted for a whole line of keys and without the gateway, so it cannot tell. Only keys
-- in their grace have rows here, one for each master key that asked.
--
-- first_used_at  First accepted use since the key was superseded, through this master key.
-- A row goes with its key.
CREATE TABLE superseded_uses (
  key_id         text COLLATE "C" NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
  master_key_id  text COLLATE "C" NOT NULL,
  first_used_at  timestamptz(3) NOT NULL,
  last_used_at   timestamptz(3) NOT NULL,
  PRIMARY KEY (key_id, master_key_id)
);

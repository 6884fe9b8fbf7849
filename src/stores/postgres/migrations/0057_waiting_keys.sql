-- Keys that wait for their first use (docs/decisions/0049): a refresh with activate = on_first_use
-- issues the secret, and the first verification that accepts it makes it the active key.
--
-- A table of its own, so that a process of the previous release does not know the secret: it
-- answers NOT_FOUND. A row of api_keys with a status that it does not know would be accepted there.
--
-- The settings are those of the key before, read at each use: a line is one credential. So a
-- change, a revoke or a stop of the key before counts for the waiting key without writing here.
--
-- previous_key_id  The key that it takes the place of. It waits as long as that one is the last of
-- its line.
-- mint_number and minted_by  As in api_keys (migration 0039): a stop of all that a master key
-- issued covers a key that was issued before it, whenever it is used first.
-- previous_until  When the key before ends, used or not.
CREATE TABLE waiting_keys (
  id               text COLLATE "C" PRIMARY KEY,
  previous_key_id  text COLLATE "C" NOT NULL UNIQUE,
  pepper_id        text NOT NULL,
  digest           bytea NOT NULL UNIQUE,
  key_prefix       text NOT NULL,
  minted_by        text COLLATE "C",
  mint_number      bigint NOT NULL DEFAULT nextval('mint_numbers'),
  expires_at       timestamptz(3),
  grace_seconds    integer NOT NULL,
  previous_until   timestamptz(3) NOT NULL,
  created_at       timestamptz(3) NOT NULL
);

CREATE INDEX waiting_keys_minted_by ON waiting_keys (minted_by);

-- First accepted use of a key that waited; null for keys that were active from the beginning. The
-- grace of its predecessor began then, and not when the secret was issued.
ALTER TABLE api_keys ADD COLUMN activated_at timestamptz(3);

-- Whether a waiting key may take the place of the key before it. That one must be the owner's
-- active key, or have expired so recently that a refresh could renew it. A stop that covers either
-- of them ends the waiting key for good, so stops that are tidied count too: no row of api_keys has
-- said it for this key.
CREATE FUNCTION may_activate(waiting waiting_keys, before api_keys) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT before.kind = 'user'
    AND (before.status = 'active'
      OR (before.status = 'expired' AND before.expires_at >= clock_timestamp() - interval '30 days'))
    AND NOT is_stopped(before)
    AND NOT EXISTS (
      SELECT FROM key_stops AS stop
      WHERE stop.mint_number_below > waiting.mint_number
        AND (stop.created_before IS NULL OR waiting.created_at < stop.created_before)
        AND stop.subject = CASE stop.kind
          WHEN 'minted_by' THEN waiting.minted_by WHEN 'user' THEN before.user_id ELSE before.organization_id END)
$$;

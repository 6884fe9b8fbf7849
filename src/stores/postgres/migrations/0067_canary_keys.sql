-- Canary keys (docs/decisions/0054): bait that is never valid and tells of each use. Its row in
-- api_keys is that of any key, with a random digest that no secret has. So every verifier of every
-- release answers NOT_FOUND. The digest of its secret is here alone.
--
-- told_at       When an event last told of uses.
-- untold_uses   Uses since then: at most one event a minute tells of them.
-- untold        The last of these uses: endpoint, ip, master_key_id, request_id.
CREATE TABLE canary_keys (
  key_id       text COLLATE "C" PRIMARY KEY,
  pepper_id    text NOT NULL,
  digest       bytea NOT NULL UNIQUE,
  created_at   timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  told_at      timestamptz(3),
  untold_uses  bigint NOT NULL DEFAULT 0,
  untold       jsonb
);
CREATE INDEX canary_keys_created ON canary_keys (created_at);
CREATE INDEX canary_keys_untold ON canary_keys (key_id) WHERE untold_uses > 0;

-- Minting them needs keys:canary. Master keys that were made to hold everything keep holding
-- everything.
UPDATE master_keys SET permissions = permissions || '{keys:canary}'
WHERE permissions @> '{keys:mint,keys:refresh,keys:revoke,keys:read,keys:verify,keys:verify:embedded,keys:explain,keys:bulk,keys:import,usage:read}'
  AND NOT permissions @> '{keys:canary}';

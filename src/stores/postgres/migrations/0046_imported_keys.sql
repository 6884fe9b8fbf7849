-- Keys of other products, imported by their hashes (docs/decisions/0043).
--
-- The key itself is a row of api_keys like any other. Its digest there is that of the imported
-- hash under the pepper, until the key is presented for the first time: then it becomes the digest
-- of the key, as for every other key. This table says which rows still wait for that, and keeps
-- the digest by which the same line of a file is known again.
--
-- recipe_id    The way to compute the hash, for keys that are found by it.
-- lookup       The first characters of the key, for keys whose hash cannot be searched for (bcrypt,
--              argon2id, a salt of their own); sealed_hash is that hash under a key derived from
--              the pepper. Both are null once the key is digested by itself.
-- digested_at  When it was presented for the first time; null before.
CREATE TABLE imported_keys (
  key_id           text COLLATE "C" PRIMARY KEY,
  import_digest    bytea NOT NULL,
  pepper_id        text NOT NULL,
  algorithm        text NOT NULL,
  organization_id  text COLLATE "C" NOT NULL,
  environment      text COLLATE "C" NOT NULL,
  recipe_id        text COLLATE "C",
  lookup           text COLLATE "C",
  sealed_hash      bytea,
  imported_at      timestamptz(3) NOT NULL,
  digested_at      timestamptz(3)
);

-- One hash is one key, under any race.
CREATE UNIQUE INDEX imported_keys_digest ON imported_keys (import_digest);

-- Candidates for a presented key.
CREATE INDEX imported_keys_lookup ON imported_keys (lookup, key_id) WHERE lookup IS NOT NULL;

-- Whether anything still waits for a recipe, and the progress of an organization.
CREATE INDEX imported_keys_left ON imported_keys (recipe_id, organization_id) WHERE digested_at IS NULL;

-- Ways to compute hashes by which imported keys are found: every presented key of another product
-- is hashed by each of them that something waits for. A salt is no secret; a secret is named.
CREATE TABLE import_recipes (
  id             text COLLATE "C" PRIMARY KEY,
  algorithm      text NOT NULL,
  salt           text,
  salt_position  text NOT NULL,
  secret_name    text COLLATE "C",
  created_at     timestamptz(3) NOT NULL
);

-- Secrets of HMACs, sealed under keys derived from the pepper.
CREATE TABLE import_secrets (
  name           text COLLATE "C" PRIMARY KEY,
  pepper_id      text NOT NULL,
  sealed_secret  bytea NOT NULL,
  created_by     text COLLATE "C" NOT NULL,
  created_at     timestamptz(3) NOT NULL
);

-- Importing needs keys:import. Master keys that were made to hold everything keep holding
-- everything.
UPDATE master_keys SET permissions = permissions || '{keys:import}'
WHERE permissions @> '{keys:mint,keys:refresh,keys:revoke,keys:read,keys:verify,keys:verify:embedded,keys:explain,keys:bulk,usage:read}'
  AND NOT permissions @> '{keys:import}';

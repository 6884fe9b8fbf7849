-- Lineage of secrets: which master key's call issued each of them, in which order, and why a key
-- ended (docs/decisions/0042).
--
-- minted_by  The master key that learned the secret: by a mint, a refresh or an import. Null for an
-- operator, and for a row that the fill has not reached.
--
-- mint_number  Order of mints without any clock: two processes' clocks differ, and "all keys minted
-- before" has to be exact. A mint holds its master key's lock until the commit (migration 0022).
-- So under that lock taken exclusively, every number given out before is committed or gone.
-- Null in rows older than this column, which come before all others. The default is set afterwards
-- and not with the column, since Postgres would write every row anew.
--
-- revoked_reason  Null while the key lives, and where no reason was given.
CREATE SEQUENCE mint_numbers;

ALTER TABLE api_keys
  ADD COLUMN minted_by text COLLATE "C",
  ADD COLUMN mint_number bigint,
  ADD COLUMN revoked_reason text;
ALTER TABLE api_keys ALTER COLUMN mint_number SET DEFAULT nextval('mint_numbers');
ALTER SEQUENCE mint_numbers OWNED BY api_keys.mint_number;

-- An organization's own keys are inserted, and ended, under its role (migration 0013).
GRANT USAGE ON SEQUENCE mint_numbers TO flowplate_tenant;
GRANT UPDATE (revoked_reason) ON api_keys TO flowplate_tenant;

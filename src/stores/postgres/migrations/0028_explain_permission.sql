-- Explaining verdicts and reading the last refusals of a key need keys:explain. Master keys that
-- were made to hold everything keep holding everything.
UPDATE master_keys SET permissions = permissions || '{keys:explain}'
WHERE permissions @> '{keys:mint,keys:refresh,keys:revoke,keys:read,keys:verify,keys:verify:embedded,usage:read}'
  AND NOT permissions @> '{keys:explain}';

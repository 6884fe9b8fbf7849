-- Policy of an organization for its user keys (docs/decisions/0041): one document and its version,
-- which is a hash of the document. Both are null while there is none. A mint says which version it
-- followed, and its statement compares. A hash, since a number could come again for another
-- document after a restore.
ALTER TABLE organizations
  ADD COLUMN policy jsonb,
  ADD COLUMN policy_version text;

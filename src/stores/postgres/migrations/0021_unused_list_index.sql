-- The index of names (0020) serves what this one did. Dropped in a transaction of its own: until
-- that ends nobody may read a key, and in 0020 the indexes of the audit log are still to be built.
DROP INDEX IF EXISTS api_keys_shown_all;

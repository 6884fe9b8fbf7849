-- Longest age of the user keys that a master key issues, in seconds (docs/decisions/0055). A key
-- that is older is due for a refresh; it does not end by that. An organization says the same in its
-- policy. Not in master_key_bounds: mints lock a row there, and this bound refuses none.
ALTER TABLE master_keys ADD COLUMN key_age_seconds_max integer;

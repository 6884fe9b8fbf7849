-- When a master key was last let in, told some seconds late by each process that did so: whoever
-- wants to revoke one has to know whether anybody still works with it.
ALTER TABLE master_keys ADD COLUMN last_used_at timestamptz(3);

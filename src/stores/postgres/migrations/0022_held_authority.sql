-- Whether a master key may still act, asked inside the transaction of the change that it makes.
--
-- The shared advisory lock keeps the key usable until that transaction ends: ending a key takes the
-- same lock exclusively (stores/postgres/authority.ts). So a revoke waits for the changes under
-- way, and a change that begins later sees the revoke. A row lock would do the same and write to
-- the row for every mint.
--
-- VOLATILE matters: each query of a volatile function gets a snapshot of its own, so the row is
-- read after the lock was taken, also when the function is called from the middle of a larger
-- statement.
CREATE FUNCTION hold_master_key(held_id text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(5202, hashtext(held_id));
  RETURN EXISTS (
    SELECT FROM master_keys
    WHERE id = held_id AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp()));
END
$$;

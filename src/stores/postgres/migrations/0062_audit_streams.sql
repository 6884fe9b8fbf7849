-- How far each stream of the audit log has come (docs/decisions/0052): the last event that its
-- receiver is known to have. A new stream begins at the end of the log.
-- held_by, held_until  The worker that sends at present. One that was killed is followed by another
-- when its time is over, so that no connection of the database waits for a receiver.
CREATE TABLE audit_streams (
  name        text COLLATE "C" PRIMARY KEY,
  seq         bigint NOT NULL,
  held_by     uuid,
  held_until  timestamptz(3) NOT NULL DEFAULT '-infinity'
);

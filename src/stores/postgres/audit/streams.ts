import { sql } from 'kysely';
import type { Db } from '../database.ts';

/** A worker holds a stream while it sends; the longest send takes a third of this. */
const holdSeconds = 30;

/**
 * Becomes the only sender of a stream for half a minute. Returns the number of the last event that
 * was delivered; undefined while another worker sends.
 */
export async function holdStream(db: Db, name: string, holder: string): Promise<number | undefined> {
  const { rows } = await sql<{ seq: number }>`
    INSERT INTO audit_streams AS stream (name, seq, held_by, held_until)
    SELECT ${name}, coalesce(max(seq), 0), ${holder}::uuid, now() + make_interval(secs => ${sql.lit(holdSeconds)})
    FROM (SELECT seq FROM audit_seals ORDER BY seq DESC LIMIT 1) AS last
    ON CONFLICT (name) DO UPDATE SET held_by = excluded.held_by, held_until = excluded.held_until
    WHERE stream.held_until < now() OR stream.held_by = excluded.held_by
    RETURNING seq`.execute(db);
  return rows[0]?.seq;
}

/** Notes what was delivered. False when the stream is another worker's by now. */
export async function moveStream(db: Db, name: string, holder: string, seq: number): Promise<boolean> {
  const { numAffectedRows } = await sql`
    UPDATE audit_streams SET seq = ${seq} WHERE name = ${name} AND held_by = ${holder}::uuid`.execute(db);
  return numAffectedRows === 1n;
}

export async function releaseStream(db: Db, name: string, holder: string): Promise<void> {
  await sql`
    UPDATE audit_streams SET held_by = NULL, held_until = '-infinity'
    WHERE name = ${name} AND held_by = ${holder}::uuid`.execute(db);
}

export type StreamBehind = { name: string; events: number; oldestAgeMs: number };

/** Sealed events that each of these streams has not delivered yet: how many, how old the oldest. */
export async function readStreamsBehind(db: Db, names: readonly string[]): Promise<StreamBehind[]> {
  const { rows } = await sql<StreamBehind>`
    SELECT name, greatest(0, coalesce((SELECT seq FROM audit_seals ORDER BY seq DESC LIMIT 1), 0) - seq) AS events,
      coalesce((SELECT greatest(extract(epoch FROM clock_timestamp() - created_at) * 1000, 0)::float8
        FROM audit_events WHERE id = (SELECT event_id FROM audit_seals
          WHERE audit_seals.seq > audit_streams.seq ORDER BY audit_seals.seq LIMIT 1)), 0) AS "oldestAgeMs"
    FROM audit_streams WHERE name = ANY(${[...names]}::text[])`.execute(db);
  return rows;
}

import { sql } from 'kysely';
import type { AuditEvent } from '../../../domain/audit-event.ts';
import type { EventFilter, EventPosition } from '../../../domain/events/event-position.ts';
import { type AuditEventRow, auditEventColumns, toAuditEvent } from '../audit/events.ts';
import type { Db } from '../database.ts';

export type SealedEventsPage = {
  events: { position: EventPosition; event: AuditEvent }[];
  /** The last position that was looked at; undefined at the end of the log. */
  examined: EventPosition | undefined;
};

/**
 * Events after a number of the sealed order, oldest first. A seal gets its number under a lock that
 * is held until its commit, so no smaller number appears later. At most `examinedMax` events are
 * looked at: of a rare type there may be none among millions.
 */
export async function listSealedEventsAfter(
  db: Db,
  after: number,
  { types, organizationId }: EventFilter,
  { limit, examinedMax }: { limit: number; examinedMax: number },
): Promise<SealedEventsPage> {
  const { rows } = await sql<Row>`
    WITH page AS MATERIALIZED (
      SELECT seq, event_id FROM audit_seals WHERE seq > ${after} ORDER BY seq LIMIT ${examinedMax}
    ), found AS (
      SELECT page.seq, event.* FROM page
      CROSS JOIN LATERAL (SELECT ${auditEventColumns} FROM audit_events WHERE id = page.event_id LIMIT 1) AS event
      WHERE (${types ?? null}::text[] IS NULL OR event_type = ANY (${types ?? null}::text[]))
        AND (${organizationId ?? null}::text IS NULL OR organization_id = ${organizationId ?? null})
      ORDER BY page.seq LIMIT ${limit}
    )
    SELECT last.seq AS last_seq, last.event_id AS last_event_id, found.*
    FROM (SELECT seq, event_id FROM page ORDER BY seq DESC LIMIT 1) AS last
    LEFT JOIN found ON true ORDER BY found.seq`.execute(db);
  const events = rows.flatMap((row) =>
    row.seq === null ? [] : [{ position: { seq: row.seq, eventId: row.id }, event: toAuditEvent(row) }],
  );
  const [first] = rows;
  if (first === undefined) return { events, examined: undefined };
  const end = { seq: first.last_seq, eventId: first.last_event_id };
  return { events, examined: events.length < limit ? end : events.at(-1)?.position };
}

type Row = AuditEventRow & { seq: number | null; last_seq: number; last_event_id: string };

/** The newest position; undefined before the first event. */
export async function findLastPosition(db: Db): Promise<EventPosition | undefined> {
  const query = db.selectFrom('audit_seals').select(['seq', 'event_id']).orderBy('seq', 'desc').limit(1);
  const row = await query.executeTakeFirst();
  return row === undefined ? undefined : { seq: row.seq, eventId: row.event_id };
}

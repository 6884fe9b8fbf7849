import type { AuditEvent } from '../../domain/audit-event.ts';
import { type AuditFilter, listAuditEvents } from '../../stores/postgres/audit-events.ts';
import type { Db } from '../../stores/postgres/database.ts';

const eventsPerPage = 500;

/**
 * All events of a filter, newest first, a page at a time: the next one is asked for when somebody takes it, so that a slow reader holds
 * neither memory nor a connection, and one who leaves ends it.
 */
export async function* exportAuditEvents(
  parts: { db: Db },
  filter: AuditFilter,
): AsyncGenerator<readonly AuditEvent[]> {
  for (let before: string | undefined; ; ) {
    const page = await listAuditEvents(parts.db, filter, eventsPerPage, before);
    if (page.length > 0) yield page;
    if (page.length < eventsPerPage) return;
    before = page.at(-1)?.id;
  }
}

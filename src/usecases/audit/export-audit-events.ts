import type { Bulkhead } from '../../concurrency/bulkhead.ts';
import type { AuditEvent } from '../../domain/audit-event.ts';
import { type AuditFilter, listAuditEvents } from '../../stores/postgres/audit/events.ts';
import type { Db } from '../../stores/postgres/database.ts';

const eventsPerPage = 500;

export type ExportAuditParts = {
  db: Db;
  /** Each export keeps coming back for a connection until it has read everything. */
  auditExports: Bulkhead;
};

/** Rejects with `OVERLOADED` before the first page when others are being written already. */
export function exportAuditEvents(
  parts: ExportAuditParts,
  filter: AuditFilter,
): AsyncGenerator<readonly AuditEvent[]> {
  return parts.auditExports.stream(pages(parts.db, filter));
}

/**
 * All events of a filter, newest first, a page at a time: the next one is asked for when somebody
 * takes it, so that a slow reader holds neither memory nor a connection, and one who leaves ends
 * it.
 */
async function* pages(db: Db, filter: AuditFilter): AsyncGenerator<readonly AuditEvent[]> {
  for (let before: string | undefined; ; ) {
    const page = await listAuditEvents(db, filter, eventsPerPage, before);
    if (page.length > 0) yield page;
    if (page.length < eventsPerPage) return;
    before = page.at(-1)?.id;
  }
}

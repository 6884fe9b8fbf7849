import type { Bulkhead } from '../../concurrency/bulkhead.ts';
import type { AuditEvent } from '../../domain/audit-event.ts';
import { type AuditFilter, listAuditEvents } from '../../stores/postgres/audit/events.ts';
import type { Db } from '../../stores/postgres/database.ts';

const eventsPerPage = 500;

export type ExportAuditParts = {
  db: Db;
  /** Bounds the exports: each uses a connection again and again until it has read everything. */
  auditExports: Bulkhead;
};

/** Rejects with `OVERLOADED` before the first page when other exports run. */
export function exportAuditEvents(
  parts: ExportAuditParts,
  filter: AuditFilter,
): AsyncGenerator<readonly AuditEvent[]> {
  return parts.auditExports.stream(pages(parts.db, filter));
}

/**
 * All events of a filter, newest first. A page is read when the consumer asks for it, so a slow
 * reader holds neither memory nor a connection. The read ends when the consumer stops.
 */
async function* pages(db: Db, filter: AuditFilter): AsyncGenerator<readonly AuditEvent[]> {
  for (let before: string | undefined; ; ) {
    const page = await listAuditEvents(db, filter, eventsPerPage, before);
    if (page.length > 0) yield page;
    if (page.length < eventsPerPage) return;
    before = page.at(-1)?.id;
  }
}

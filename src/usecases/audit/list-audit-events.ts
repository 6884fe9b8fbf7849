import type { AuditEvent } from '../../domain/audit-event.ts';
import { type Page, toPage } from '../../domain/page.ts';
import { type AuditFilter, listAuditEvents as findAuditEvents } from '../../stores/postgres/audit/events.ts';

export type { AuditFilter };

import type { Db } from '../../stores/postgres/database.ts';

/** A page of events, newest first. `before` is the last event of the page before. */
export async function listAuditEvents(
  parts: { db: Db },
  filter: AuditFilter,
  page: { limit: number; before?: string | undefined },
): Promise<Page<AuditEvent>> {
  const found = await findAuditEvents(parts.db, filter, page.limit + 1, page.before);
  return toPage(found, page.limit, ({ id }) => id);
}

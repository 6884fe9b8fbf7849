import { sql } from 'kysely';
import type { AuditEvent } from '../../../domain/audit-event.ts';
import { type AuditEventRow, auditEventColumns, toAuditEvent } from '../audit/events.ts';
import type { Db } from '../database.ts';

/** Events by their ids, in no order. */
export async function findAuditEvents(db: Db, ids: readonly string[]): Promise<AuditEvent[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql<AuditEventRow>`
    SELECT ${auditEventColumns} FROM audit_events WHERE id = ANY(${[...ids]}::text[])`.execute(db);
  return rows.map(toAuditEvent);
}

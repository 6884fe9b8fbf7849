import { sql } from 'kysely';
import type { Actor, AuditEvent, AuditEventType, AuditResult } from '../../domain/audit-event.ts';
import { idFloor, idPrefixes } from '../../domain/ids.ts';
import type { Db, Tx } from './database.ts';
import type { JsonObject } from './schema.ts';

/** Rows of audit_events as the statements that write them spell them. */
export function auditEventRow(event: AuditEvent) {
  return {
    id: event.id,
    event_type: event.eventType,
    actor_kind: event.actor.kind,
    actor_id: event.actor.id,
    organization_id: event.organizationId,
    target_id: event.targetId,
    request_id: event.requestId,
    on_behalf_of: event.onBehalfOf,
    result: event.result,
    details: event.details as JsonObject,
    created_at: event.createdAt,
  };
}

/** Takes only a transaction: an event belongs to its change, so that neither is ever there without the other. */
export async function insertAuditEvents(tx: Tx, events: readonly AuditEvent[]): Promise<void> {
  if (events.length === 0) return;
  await tx.insertInto('audit_events').values(events.map(auditEventRow)).execute();
}

export type AuditFilter = {
  eventType?: AuditEventType | undefined;
  /** From here on, and before there. */
  from?: Date | undefined;
  to?: Date | undefined;
  actorId?: string | undefined;
  organizationId?: string | undefined;
  result?: AuditResult | undefined;
};

const columns = [
  'id',
  'event_type',
  'actor_kind',
  'actor_id',
  'organization_id',
  'target_id',
  'request_id',
  'on_behalf_of',
  'result',
  'details',
  'created_at',
] as const;

/** Newest first, starting after the event `before`. Ids begin with the time, so that a span of time is a span of the primary key. */
export async function listAuditEvents(
  db: Db,
  filter: AuditFilter,
  limit: number,
  before?: string,
): Promise<AuditEvent[]> {
  let query = db.selectFrom('audit_events').select(columns);
  if (filter.eventType !== undefined) query = query.where('event_type', '=', filter.eventType);
  if (filter.actorId !== undefined) query = query.where('actor_id', '=', filter.actorId);
  if (filter.organizationId !== undefined) query = query.where('organization_id', '=', filter.organizationId);
  if (filter.result !== undefined) query = query.where(sql<boolean>`result = ${sql.lit(filter.result)}`);
  for (const condition of impliedBy(filter)) query = query.where(condition);
  if (filter.from !== undefined) query = query.where('id', '>=', idFloor('auditEvent', filter.from));
  if (filter.to !== undefined) query = query.where('id', '<', idFloor('auditEvent', filter.to));
  if (before !== undefined) query = query.where('id', '<', before);
  return (await query.orderBy('id', 'desc').limit(limit).execute()).map(toAuditEvent);
}

/** True for what is asked for anyway; said aloud, the indexes that leave the mints out can be used (migration 0012). */
function impliedBy({ eventType, actorId }: AuditFilter) {
  const isMint = eventType === 'key.minted';
  const isMasterKey = actorId?.startsWith(idPrefixes.masterKey);
  return [
    ...(eventType === undefined || isMint ? [] : [sql<boolean>`event_type <> 'key.minted'`]),
    ...(actorId === undefined || isMasterKey ? [] : [sql<boolean>`actor_kind <> 'master_key'`]),
  ];
}

function toAuditEvent(row: {
  id: string;
  event_type: string;
  actor_kind: string;
  actor_id: string;
  organization_id: string | null;
  target_id: string;
  request_id: string | null;
  on_behalf_of: string | null;
  result: string;
  details: unknown;
  created_at: Date;
}): AuditEvent {
  return {
    id: row.id,
    eventType: row.event_type as AuditEventType,
    actor: { kind: row.actor_kind, id: row.actor_id } as Actor,
    organizationId: row.organization_id,
    targetId: row.target_id,
    requestId: row.request_id,
    onBehalfOf: row.on_behalf_of,
    result: row.result as AuditResult,
    details: row.details as Record<string, unknown>,
    createdAt: row.created_at,
  };
}

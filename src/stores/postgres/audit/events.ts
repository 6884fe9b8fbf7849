import { sql } from 'kysely';
import type { Actor, AuditEvent, AuditEventType, AuditResult } from '../../../domain/audit-event.ts';
import { idFloor, keyIdPattern, sameMoment } from '../../../domain/ids.ts';
import type { Db } from '../database.ts';
import type { JsonObject } from '../schema.ts';

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
  'client_address',
] as const;

export const auditEventColumns = sql.join(columns.map((column) => sql.ref(column)));

/** Column values of an event. */
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
    client_address: event.clientAddress,
  };
}

export type AuditFilter = {
  eventType?: AuditEventType | undefined;
  /** Start of the range, inclusive; `to` is exclusive. */
  from?: Date | undefined;
  to?: Date | undefined;
  actorId?: string | undefined;
  organizationId?: string | undefined;
  targetId?: string | undefined;
  result?: AuditResult | undefined;
  /** Events of one request, without mints. */
  requestId?: string | undefined;
};

/** Newest first, starting after the event `before`. */
export async function listAuditEvents(
  db: Db,
  filter: AuditFilter,
  limit: number,
  before?: string,
): Promise<AuditEvent[]> {
  const ids = await findIds(db, filter, limit, before);
  if (ids.length === 0) return [];
  const query = db.selectFrom('audit_events').select(columns);
  const rows = await query.where(sql<boolean>`id = ANY(${ids}::text[])`).orderBy('id', 'desc').execute();
  return rows.map(toAuditEvent);
}

/**
 * Selects ids only, so that an index suffices. Ids begin with the time, so a time range is a range
 * of the primary key.
 */
async function findIds(db: Db, filter: AuditFilter, limit: number, before?: string): Promise<string[]> {
  const leading = await findLeadingColumn(db, filter);
  let query = db.selectFrom('audit_events').select('id');
  if (filter.eventType !== undefined) query = query.where('event_type', '=', filter.eventType);
  if (filter.requestId !== undefined) {
    // Spelled as in the partial index.
    query = query.where('request_id', '=', filter.requestId).where(sql<boolean>`event_type <> 'key.minted'`);
  }
  if (filter.targetId !== undefined) query = query.where('target_id', '=', filter.targetId);
  if (filter.result !== undefined) query = query.where(sql<boolean>`result = ${sql.lit(filter.result)}`);
  for (const [column, value] of [
    ['actor_id', filter.actorId],
    ['organization_id', filter.organizationId],
  ] as const) {
    if (value === undefined) continue;
    if (column !== leading) query = query.where(column, '=', value);
    else query = query.where(column, '>=', value).where(column, '<=', value).orderBy(column, 'desc');
  }
  for (const condition of impliedBy(filter)) query = query.where(condition);
  if (filter.from !== undefined) query = query.where('id', '>=', idFloor('auditEvent', filter.from));
  if (filter.to !== undefined) query = query.where('id', '<', idFloor('auditEvent', filter.to));
  if (before !== undefined) query = query.where('id', '<', before);
  return (await query.orderBy('id', 'desc').limit(limit).execute()).map((row) => row.id);
}

/**
 * Column whose index the query walks. `>= x AND <= x ORDER BY` instead of `= x`: with `=` the
 * planner expects scattered rows and reads them all (0.5 s of a million). This form uses the index
 * on the column. Refusals, single targets and requests are rare, so the planner handles them.
 */
async function findLeadingColumn(db: Db, filter: AuditFilter) {
  const { actorId, organizationId, targetId, requestId, result } = filter;
  if (targetId !== undefined || requestId !== undefined || result === 'refused') return undefined;
  if (actorId === undefined) return organizationId === undefined ? undefined : 'organization_id';
  if (organizationId === undefined) return 'actor_id';
  return (await hasShortHistory(db, actorId)) ? 'actor_id' : 'organization_id';
}

/**
 * Rows examined within 3 ms. The events of an organization can be found by index, but may be very
 * many.
 */
const shortHistoryMax = 2_000;

async function hasShortHistory(db: Db, actorId: string): Promise<boolean> {
  const query = db.selectFrom('audit_events').select('id');
  const ordered = query.where('actor_id', '>=', actorId).where('actor_id', '<=', actorId).orderBy('actor_id');
  return (await ordered.orderBy('id').offset(shortHistoryMax).limit(1).execute()).length === 0;
}

/**
 * Redundant conditions; they let the planner use the partial indexes without mints (migration
 * 0012).
 */
function impliedBy({ eventType, targetId }: AuditFilter) {
  const isMint = eventType === 'key.minted';
  return [
    ...(eventType === undefined || isMint ? [] : [sql<boolean>`event_type <> 'key.minted'`]),
    ...(targetId === undefined ? [] : [sql<boolean>`(event_type <> 'key.minted' OR ${bornWith(targetId)})`]),
  ];
}

/**
 * A key and its mint event share their id prefix, the millisecond, so no index needs every mint.
 */
function bornWith(targetId: string) {
  if (!keyIdPattern.test(targetId)) return sql<boolean>`false`;
  const moment = sameMoment(targetId, 'key', 'auditEvent');
  return sql<boolean>`id BETWEEN ${moment} AND ${`${moment}~`}`;
}

export type AuditEventRow = {
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
  client_address: string | null;
};

export function toAuditEvent(row: AuditEventRow): AuditEvent {
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
    clientAddress: row.client_address,
  };
}

/** One statement takes some tenths of a second; other writers do not wait for it. */
const erasedTogether = 5_000;

/**
 * Empties the addresses of the events of one person (migration 0065): of what they did, and of
 * log-ins to their account that were refused, where nobody knows who it was.
 */
export async function eraseAddressesOf(db: Db, userId: string): Promise<void> {
  for (let erased = BigInt(erasedTogether); erased === BigInt(erasedTogether); ) {
    const { numAffectedRows = 0n } = await sql`
      UPDATE audit_events SET client_address = NULL WHERE id = ANY(ARRAY(
        SELECT id FROM audit_events WHERE client_address IS NOT NULL AND (actor_id = ${userId}
          OR target_id = ${userId} AND event_type = 'platform.login.refused')
        LIMIT ${sql.lit(erasedTogether)}))`.execute(db);
    erased = numAffectedRows;
  }
}

import { sql } from 'kysely';
import type { ActorKind, Origin } from '../../../domain/audit-event.ts';
import type { BulkAction, BulkFilter, Job, JobStatus } from '../../../domain/bulk-order.ts';
import type { VisibleScope } from '../../../domain/principal.ts';
import type { RevocationReason } from '../../../domain/revocation-reason.ts';
import type { Db, Tx } from '../database.ts';

/** An order that the worker carries out, with what the orderer could see. */
export type NewBulkOrder = {
  id: string;
  action: BulkAction;
  filter: BulkFilter;
  reason: RevocationReason;
  reach: VisibleScope;
  newestMintNumber: number | null;
  origin: Origin;
  total: number;
  now: Date;
};

export async function insertBulkOrder(tx: Tx, order: NewBulkOrder): Promise<void> {
  const { reach, origin } = order;
  await tx
    .insertInto('bulk_orders')
    .values({
      id: order.id,
      action: order.action,
      filter: JSON.stringify(order.filter),
      reason: order.reason,
      organization_ids: reach.organizationIds === null ? null : [...reach.organizationIds],
      environments: reach.environments === null ? null : [...reach.environments],
      newest_mint_number: order.newestMintNumber,
      orderer_kind: origin.actor.kind,
      orderer_id: origin.actor.id,
      on_behalf_of: origin.onBehalfOf ?? null,
      request_id: origin.requestId,
      total: order.total,
      created_at: order.now,
      updated_at: order.now,
    })
    .execute();
}

const jobColumns = [
  'id',
  'action',
  'filter',
  'reason',
  'orderer_kind',
  'orderer_id',
  'on_behalf_of',
  'status',
  'fault',
  'total',
  'affected',
  'created_at',
  'updated_at',
  'finished_at',
] as const;

export async function findBulkOrder(db: Db, id: string): Promise<Job | undefined> {
  const row = await db.selectFrom('bulk_orders').select(jobColumns).where('id', '=', id).executeTakeFirst();
  return row && toJob(row);
}

/** Ids of the orders that are not over, the oldest first. */
export async function listOpenBulkOrders(db: Db): Promise<string[]> {
  const rows = await db
    .selectFrom('bulk_orders')
    .select('id')
    .where('status', 'in', ['queued', 'running'])
    .orderBy('created_at')
    .execute();
  return rows.map(({ id }) => id);
}

/** An order with all that its next batch needs. */
export type OpenBulkOrder = Job & {
  reach: VisibleScope;
  newestMintNumber: number | null;
  requestId: string | null;
  /** Id below which the next batch begins; undefined before the first. */
  place: string | undefined;
};

/** Locks an order for one batch. Undefined when another worker is at it, or it is over. */
export async function lockOpenBulkOrder(tx: Tx, id: string): Promise<OpenBulkOrder | undefined> {
  const row = await tx
    .selectFrom('bulk_orders')
    .select([...jobColumns, 'organization_ids', 'environments', 'newest_mint_number', 'request_id', 'place'])
    .where('id', '=', id)
    .where('status', 'in', ['queued', 'running'])
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    ...toJob(row),
    reach: { organizationIds: row.organization_ids, environments: row.environments },
    newestMintNumber: row.newest_mint_number,
    requestId: row.request_id,
    place: row.place ?? undefined,
  };
}

/** Undefined `place`: the last batch. */
type Progress = { id: string; affected: number; place: string | undefined; now: Date };

export async function saveBulkProgress(tx: Tx, { id, affected, place, now }: Progress): Promise<void> {
  await tx
    .updateTable('bulk_orders')
    .set({
      affected: sql`affected + ${affected}`,
      place: place ?? null,
      status: place === undefined ? 'completed' : 'running',
      updated_at: now,
      finished_at: place === undefined ? now : null,
    })
    .where('id', '=', id)
    .execute();
}

type End = { id: string; status: 'cancelled' | 'failed'; fault?: string; now: Date };

/** Ends an order before its last batch. False when it was over already. */
export async function endBulkOrder(tx: Tx, { id, status, fault, now }: End): Promise<boolean> {
  const result = await tx
    .updateTable('bulk_orders')
    .set({ status, fault: fault ?? null, updated_at: now, finished_at: now })
    .where('id', '=', id)
    .where('status', 'in', ['queued', 'running'])
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

function toJob(row: {
  id: string;
  action: string;
  filter: unknown;
  reason: string | null;
  orderer_kind: string;
  orderer_id: string;
  on_behalf_of: string | null;
  status: string;
  fault: string | null;
  total: number;
  affected: number;
  created_at: Date;
  updated_at: Date;
  finished_at: Date | null;
}): Job {
  return {
    id: row.id,
    action: row.action as BulkAction,
    filter: row.filter as BulkFilter,
    reason: row.reason as RevocationReason | null,
    orderer: { kind: row.orderer_kind as ActorKind, id: row.orderer_id },
    onBehalfOf: row.on_behalf_of,
    status: row.status as JobStatus,
    fault: row.fault,
    total: row.total,
    affected: row.affected,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    finishedAt: row.finished_at,
  };
}

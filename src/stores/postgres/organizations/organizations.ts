import { sql } from 'kysely';
import { platformOrganizationId } from '../../../domain/api-key.ts';
import type { Organization, OrganizationStatus } from '../../../domain/organization.ts';
import type { Db, Tx } from '../database.ts';

const columns = ['id', 'name', 'status', 'created_at'] as const;

export async function findOrganization(db: Db, id: string): Promise<Organization | undefined> {
  const row = await db.selectFrom('organizations').select(columns).where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toOrganization(row);
}

/** Locks the row, to serialise changes of the organization. Mints only read it and continue. */
export async function lockOrganization(tx: Tx, id: string): Promise<Organization | undefined> {
  const row = await tx
    .selectFrom('organizations')
    .select(columns)
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst();
  return row === undefined ? undefined : toOrganization(row);
}

export type OrganizationFilter = {
  /** Substring of the name, in any case. */
  name?: string | undefined;
  /** Not deleted ones unless set. */
  status?: OrganizationStatus | undefined;
  /** Null for all. */
  organizationIds: readonly string[] | null;
};

/** End of a page. Ids that callers choose do not sort by time, so the time is part of it. */
export type OrganizationPlace = { createdAt: Date; id: string };

/**
 * Newest first, starting after `before`, without the platform's own. The name is matched literally:
 * strpos knows no wildcards.
 */
export async function findOrganizations(
  db: Db,
  filter: OrganizationFilter,
  limit: number,
  before?: OrganizationPlace,
): Promise<Organization[]> {
  let query = db.selectFrom('organizations').select(columns).where('id', '<>', platformOrganizationId);
  query =
    filter.status === undefined
      ? query.where('status', '<>', 'deleted')
      : query.where('status', '=', filter.status);
  if (filter.organizationIds !== null) query = query.where('id', 'in', filter.organizationIds);
  if (filter.name !== undefined) query = query.where(nameCondition(filter.name));
  if (before !== undefined)
    query = query.where(sql<boolean>`(created_at, id) < (${before.createdAt}, ${before.id})`);
  const rows = await query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute();
  return rows.map(toOrganization);
}

/** The trigram condition is redundant; it enables the trigram index (3 characters or more). */
function nameCondition(name: string) {
  const contains = sql<boolean>`strpos(lower(name), lower(${name})) > 0`;
  if ([...name].length < 3) return contains;
  return sql<boolean>`(name_trigrams(lower(name)) @> name_trigrams(lower(${name})) AND ${contains})`;
}

/** Inserts what is missing; true when this call created the organization. */
export async function insertOrganization(tx: Tx, organization: { id: string; name: string; now: Date }) {
  const result = await tx
    .insertInto('organizations')
    .values({
      id: organization.id,
      name: organization.name,
      created_at: organization.now,
      updated_at: organization.now,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

/** Organizations whose keys are refused, for a starting verifier. There are few. */
export async function listRefusedOrganizations(db: Db): Promise<string[]> {
  const rows = await db.selectFrom('organizations').select('id').where('status', '<>', 'active').execute();
  return rows.map((row) => row.id);
}

export async function updateOrganizationName(
  tx: Tx,
  change: { id: string; name: string; now: Date },
): Promise<void> {
  await tx
    .updateTable('organizations')
    .set({ name: change.name, updated_at: change.now })
    .where('id', '=', change.id)
    .execute();
}

/** The new revision, or undefined when there is none or it has that status already. */
export async function updateOrganizationStatus(
  tx: Tx,
  change: { id: string; status: OrganizationStatus; now: Date },
): Promise<number | undefined> {
  const row = await tx
    .updateTable('organizations')
    .set({ status: change.status, updated_at: change.now, revision: sql`revision + 1` })
    .where('id', '=', change.id)
    .where('status', '<>', change.status)
    .returning('revision')
    .executeTakeFirst();
  return row?.revision;
}

function toOrganization(row: { id: string; name: string; status: string; created_at: Date }): Organization {
  return {
    id: row.id,
    name: row.name,
    status: row.status as OrganizationStatus,
    createdAt: row.created_at,
  };
}

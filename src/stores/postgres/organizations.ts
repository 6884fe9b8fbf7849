import { sql } from 'kysely';
import type { Db, Tx } from './database.ts';

export type OrganizationStatus = 'active' | 'suspended' | 'deleted';

export type Organization = { id: string; name: string; status: OrganizationStatus; created_at: Date };

export async function findOrganization(db: Db, id: string): Promise<Organization | undefined> {
  const row = await db
    .selectFrom('organizations')
    .select(['id', 'name', 'status', 'created_at'])
    .where('id', '=', id)
    .executeTakeFirst();
  return row === undefined ? undefined : { ...row, status: row.status as OrganizationStatus };
}

/** Adds what is missing; true when this call created the organization (another may have been quicker). */
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

/** True when this call created the environment. */
export async function insertEnvironment(
  tx: Tx,
  environment: { id: string; organizationId: string; slug: string; now: Date },
): Promise<boolean> {
  const result = await tx
    .insertInto('environments')
    .values({
      id: environment.id,
      organization_id: environment.organizationId,
      slug: environment.slug,
      created_at: environment.now,
    })
    .onConflict((conflict) => conflict.columns(['organization_id', 'slug']).doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

/** The organizations whose keys are refused: what a starting verifier has to know. They are few. */
export async function listRefusedOrganizations(db: Db): Promise<string[]> {
  const rows = await db.selectFrom('organizations').select('id').where('status', '<>', 'active').execute();
  return rows.map((row) => row.id);
}

/** The new revision, or undefined when there is no such organization or it has that status already. */
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

import { sql } from 'kysely';
import type { Database, Tx } from '../database.ts';

/**
 * Row-level security: the rest of the transaction runs as the role that sees one organization's
 * rows only (migration 0013). A forgotten WHERE clause then finds nothing instead of everything.
 */
export async function enterOrganizationRole(tx: Tx, organizationId: string): Promise<void> {
  await sql`SELECT set_config('role', 'flowplate_tenant', true), set_config('flowplate.organization_id', ${organizationId}, true)`.execute(
    tx,
  );
}

/** A transaction in that role, for all reads of a tenant. */
export async function inOrganization<T>(
  db: Database,
  organizationId: string,
  run: (tx: Tx) => Promise<T>,
): Promise<T> {
  return db.transaction().execute(async (tx) => {
    await enterOrganizationRole(tx, organizationId);
    return run(tx);
  });
}

import { sql } from 'kysely';
import type { Database, Tx } from './database.ts';

/**
 * Runs a transaction as the role that sees one organization's rows and no others (migration 0013), whatever its statements say. What
 * is done for a tenant goes through here; a WHERE clause that somebody forgot then finds nothing instead of everything.
 */
export async function asTenant<T>(
  db: Database,
  organizationId: string,
  run: (tx: Tx) => Promise<T>,
): Promise<T> {
  return db.transaction().execute(async (tx) => {
    await sql`SELECT set_config('role', 'flowplate_tenant', true), set_config('flowplate.organization_id', ${organizationId}, true)`.execute(
      tx,
    );
    return run(tx);
  });
}

import { sql } from 'kysely';
import type { Db, Tx } from '../database.ts';

export type ImportSecret = { name: string; createdBy: string; createdAt: Date };

/** False when there is one of this name. */
export async function insertImportSecret(
  tx: Tx,
  { name, pepperId, sealed, createdBy, createdAt }: ImportSecret & { pepperId: string; sealed: Buffer },
): Promise<boolean> {
  const result = await tx
    .insertInto('import_secrets')
    .values({
      name,
      pepper_id: pepperId,
      sealed_secret: sealed,
      created_by: createdBy,
      created_at: createdAt,
    })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

/** By name, without the secrets. There are few. */
export async function listImportSecrets(db: Db): Promise<ImportSecret[]> {
  const rows = await db
    .selectFrom('import_secrets')
    .select(['name', 'created_by', 'created_at'])
    .orderBy('name')
    .execute();
  return rows.map((row) => ({ name: row.name, createdBy: row.created_by, createdAt: row.created_at }));
}

/** Those of these names that exist. None is deleted before the transaction ends. */
export async function holdImportSecrets(tx: Tx, names: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ name: string }>`
    SELECT name FROM import_secrets WHERE name = ANY (${names}::text[]) ORDER BY name FOR KEY SHARE`.execute(
    tx,
  );
  return new Set(rows.map(({ name }) => name));
}

/** False when there was none. */
export async function deleteImportSecret(tx: Tx, name: string): Promise<boolean> {
  const result = await tx.deleteFrom('import_secrets').where('name', '=', name).executeTakeFirst();
  return result.numDeletedRows === 1n;
}

/** Whether a living key still waits for this secret. */
export async function isImportSecretUsed(db: Db, name: string): Promise<boolean> {
  const { rows } = await sql<{ used: boolean }>`
    SELECT EXISTS (
      SELECT FROM import_recipes AS recipe JOIN imported_keys ON recipe_id = recipe.id
        JOIN api_keys ON api_keys.id = key_id
      WHERE secret_name = ${name} AND digested_at IS NULL AND status IN ('active', 'superseded')
    ) AS used`.execute(db);
  return rows[0]?.used === true;
}

import { sql } from 'kysely';
import type { Tx } from '../database.ts';
import { hasLiveMasterKey, livesUntil } from './verifiers.ts';

export type LapsedVerifier = { id: string; masterKeyId: string | null; leaseUntil: Date };

/**
 * Verifiers whose last lease ended after `after`, up to `through`, without a sign-off: that deletes
 * the row. Verifiers that the broker ended are left out. There are few rows, and an index on a time
 * that each heartbeat moves would cost more than it saves.
 */
export async function listLapsedVerifiers(
  tx: Tx,
  { after, through }: { after: Date; through: Date },
): Promise<LapsedVerifier[]> {
  const { rows } = await sql<LapsedVerifier>`
    SELECT id, master_key_id AS "masterKeyId", ${livesUntil}::timestamptz(3) AS "leaseUntil" FROM verifiers
    WHERE ${livesUntil}::timestamptz(3) > ${after} AND ${livesUntil}::timestamptz(3) <= ${through}
      AND NOT is_ended AND (master_key_id IS NULL OR ${hasLiveMasterKey})
    ORDER BY 3, id`.execute(tx);
  return rows;
}

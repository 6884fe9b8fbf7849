import { sql } from 'kysely';
import type { Tx } from '../database.ts';

type Quarantine = { id: string; until: Date; now: Date };

/**
 * Quarantines a key that lives, and returns its new revision. Its row says `revoked`, so that what
 * does not know the state refuses the key. The caller holds `lockUserKeys`.
 */
export async function quarantineKey(tx: Tx, { id, until, now }: Quarantine): Promise<number> {
  const row = await tx
    .updateTable('api_keys')
    .set({
      status: 'revoked',
      quarantined_until: until,
      // Of its end by itself; a revoke within the quarantine has its own.
      revoked_reason: 'key_compromise',
      updated_at: now,
      revision: sql`revision + 1`,
    })
    .where('id', '=', id)
    .returning('revision')
    .executeTakeFirstOrThrow();
  return row.revision;
}

/**
 * Gives a quarantined key its status back, and returns its new revision. Undefined when the sweep
 * was first. Fails by `isPlaceTaken` when its owner has got another active key. The caller holds
 * `lockUserKeys`.
 */
export async function releaseKey(tx: Tx, id: string, now: Date): Promise<number | undefined> {
  const row = await tx
    .updateTable('api_keys')
    .set({
      status: sql`CASE WHEN superseded_until IS NULL THEN 'active' ELSE 'superseded' END`,
      revoked_reason: sql`CASE WHEN superseded_until IS NULL THEN NULL ELSE 'superseded' END`,
      quarantined_until: null,
      updated_at: now,
      revision: sql`revision + 1`,
    })
    .where('id', '=', id)
    .where('quarantined_until', '>', now)
    .returning('revision')
    .executeTakeFirst();
  return row?.revision;
}

/**
 * Whether an API process of the release before has a lease. To it a quarantined key is a revoked
 * one, so that its revokes do not end the quarantine.
 */
export async function hasEarlierVerifier(tx: Tx): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM verifiers
    WHERE master_key_id IS NULL AND NOT knows_stops AND lease_until > clock_timestamp() LIMIT 1`.execute(tx);
  return rows.length > 0;
}

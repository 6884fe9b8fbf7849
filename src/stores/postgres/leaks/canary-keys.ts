import { sql } from 'kysely';
import type { CanaryUse } from '../../../domain/canary-key.ts';
import type { KeyDigest } from '../../../domain/key-digest.ts';
import type { Db, Tx } from '../database.ts';

/** A canary key as it is recognized. `digest`: a Latin-1 string. */
export type KnownCanary = { keyId: string; digest: string; createdAt: Date };

/** Canary keys that were minted after a time, the oldest first; undefined for all. */
export async function listCanaryKeys(db: Db, after: Date | undefined): Promise<KnownCanary[]> {
  const { rows } = await sql<{ keyId: string; digest: Buffer; createdAt: Date }>`
    SELECT key_id AS "keyId", digest, created_at AS "createdAt" FROM canary_keys
    WHERE ${after ?? null}::timestamptz IS NULL OR created_at > ${after ?? null}
    ORDER BY created_at`.execute(db);
  return rows.map((row) => ({ ...row, digest: row.digest.toString('latin1') }));
}

/** Uses of a canary key that no event has told of yet. */
export type UntoldUses = { uses: number; last: CanaryUse | null; toldAt: Date | null };

/** Locks a canary key whose key is active. Undefined for one that has ended or is disabled. */
export async function lockCanaryKey(tx: Tx, keyId: string): Promise<UntoldUses | undefined> {
  const { rows } = await sql<UntoldUses>`
    SELECT untold_uses::float8 AS uses, untold AS last, told_at AS "toldAt" FROM canary_keys
    WHERE key_id = ${keyId} AND EXISTS (
      SELECT FROM api_keys AS key WHERE key.id = key_id AND key.status = 'active' AND key.enabled
        AND (key.expires_at IS NULL OR key.expires_at > clock_timestamp()) AND NOT is_stopped(key))
    FOR UPDATE`.execute(tx);
  return rows[0];
}

export async function setUntoldUses(
  tx: Tx,
  keyId: string,
  { uses, last, toldAt }: UntoldUses,
): Promise<void> {
  await sql`
    UPDATE canary_keys SET untold_uses = ${uses}, untold = ${last && JSON.stringify(last)}, told_at = ${toldAt}
    WHERE key_id = ${keyId}`.execute(tx);
}

const untoldMax = 1_000;

/** Those whose last uses wait for an event since before a time, 1,000 at most. */
export async function listUntoldCanaries(db: Db, toldBefore: Date): Promise<string[]> {
  const { rows } = await sql<{ keyId: string }>`
    SELECT key_id AS "keyId" FROM canary_keys WHERE untold_uses > 0 AND told_at <= ${toldBefore}
    LIMIT ${sql.lit(untoldMax)}`.execute(db);
  return rows.map(({ keyId }) => keyId);
}

/** Of one that has ended or is disabled: nobody is told of uses from before that. */
export async function forgetUntoldUses(tx: Tx, keyId: string): Promise<void> {
  await sql`
    UPDATE canary_keys SET untold_uses = 0, untold = NULL WHERE key_id = ${keyId} AND untold_uses > 0`.execute(
    tx,
  );
}

/** Moves a canary key to the current pepper, as the first success does with other keys. */
export async function rekeyCanary(tx: Tx, keyId: string, { pepperId, digest }: KeyDigest): Promise<void> {
  await sql`
    WITH moved AS (
      UPDATE canary_keys SET pepper_id = ${pepperId}, digest = ${digest}
      WHERE key_id = ${keyId} AND pepper_id <> ${pepperId} RETURNING key_id
    )
    UPDATE api_keys SET pepper_id = ${pepperId} WHERE id IN (SELECT key_id FROM moved)`.execute(tx);
}

/** Forgets those whose key was deleted, long after its end. */
export async function forgetPrunedCanaries(db: Db): Promise<void> {
  await sql`
    DELETE FROM canary_keys WHERE NOT EXISTS (SELECT FROM api_keys WHERE id = key_id)`.execute(db);
}

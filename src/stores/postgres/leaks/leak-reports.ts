import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { KeyDigest } from '../../../domain/key-digest.ts';
import type { Db, Tx } from '../database.ts';
import { digestBytes } from '../digest-rows.ts';

/**
 * A key of any kind that somebody has found, also a canary or one that waits for its first use.
 * `userId`: of an API user's key the user.
 */
export type LeakedKey = { id: string; kind: string; userId: string };

/** The key with one of these digests, in any state. Master keys have the kind `master`. */
export async function findLeakedKey(
  db: Db,
  digests: readonly [KeyDigest, ...KeyDigest[]],
): Promise<LeakedKey | undefined> {
  const wanted = digestBytes([digests]);
  const { rows } = await sql<LeakedKey>`
    SELECT id, kind, user_id AS "userId" FROM api_keys WHERE digest = ANY(${wanted}::bytea[])
    UNION ALL
    SELECT key.id, 'canary', key.user_id FROM canary_keys JOIN api_keys AS key ON key.id = key_id
      WHERE canary_keys.digest = ANY(${wanted}::bytea[])
    UNION ALL
    SELECT waiting.id, 'waiting', before.user_id FROM waiting_keys AS waiting
      JOIN api_keys AS before ON before.id = waiting.previous_key_id
      WHERE waiting.digest = ANY(${wanted}::bytea[])
    UNION ALL
    SELECT id, 'master', id FROM master_keys WHERE digest = ANY(${wanted}::bytea[])`.execute(db);
  return rows[0];
}

/** Whether a report with this signature was carried out already. */
export async function isReportKnown(db: Db, signature: Buffer): Promise<boolean> {
  const { rows } = await sql`SELECT FROM leak_reports WHERE signature = ${signature}`.execute(db);
  return rows.length > 0;
}

/**
 * Remembers that this report has ended this key, in the transaction that does it. False when it has
 * before: the key may have been released since.
 */
export async function rememberAnswer(tx: Tx, signature: Buffer, keyId: string): Promise<boolean> {
  const answered = createHash('sha256').update(signature).update(keyId).digest();
  const { rows } = await sql`
    INSERT INTO leak_reports (signature) VALUES (${answered}) ON CONFLICT DO NOTHING RETURNING 1`.execute(tx);
  return rows.length > 0;
}

/** Remembers a report that was carried out, and forgets those that are a month old. */
export async function rememberReport(db: Db, signature: Buffer): Promise<void> {
  await sql`
    WITH forgotten AS (DELETE FROM leak_reports WHERE seen_at < clock_timestamp() - interval '30 days')
    INSERT INTO leak_reports (signature) VALUES (${signature}) ON CONFLICT DO NOTHING`.execute(db);
}

import { sql } from 'kysely';
import type { Tx } from '../database.ts';

export type EndingMasterKey = { id: string; expiresAt: Date; isDue: boolean };

/** Like `listEndingKeys`, for master keys. The page follows the index `master_keys_expiring`. */
export async function listEndingMasterKeys(
  tx: Tx,
  page: {
    after: { expiresAt: Date; id: string };
    through: Date;
    warnedMs: number;
    noticeMs: number;
    limit: number;
  },
): Promise<EndingMasterKey[]> {
  const { after, through, warnedMs, noticeMs, limit } = page;
  const { rows } = await sql<EndingMasterKey>`
    SELECT id, expires_at AS "expiresAt",
      expires_at - make_interval(secs => ${(warnedMs + noticeMs) / 1_000}) > coalesce(expires_set_at, created_at) AS "isDue"
    FROM master_keys
    WHERE revoked_at IS NULL AND expires_at IS NOT NULL
      AND (expires_at, id) > (${after.expiresAt}::timestamptz, ${after.id}) AND expires_at <= ${through}
    ORDER BY expires_at, id LIMIT ${limit}`.execute(tx);
  return rows;
}

export type UnusedMasterKey = { id: string; lastUsedAt: Date | null };

/** The same as `listStaleKeys`, for master keys. The page follows the primary key. */
export async function listUnusedMasterKeys(
  tx: Tx,
  page: { afterId: string; days: number; from: Date; to: Date; limit: number },
): Promise<{ lastId: string | null; unused: UnusedMasterKey[] }> {
  const { afterId, from, to, limit } = page;
  const daysMs = page.days * 86_400_000;
  const { rows } = await sql<UnusedMasterKey & { isDue: boolean }>`
    SELECT id, last_used_at AS "lastUsedAt",
      revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ${to})
        AND greatest(last_used_at, created_at) > ${new Date(from.getTime() - daysMs)}
        AND greatest(last_used_at, created_at) <= ${new Date(to.getTime() - daysMs)} AS "isDue"
    FROM master_keys WHERE id > ${afterId} ORDER BY id LIMIT ${limit}`.execute(tx);
  return {
    lastId: rows.length === limit ? (rows.at(-1)?.id ?? null) : null,
    unused: rows.filter(({ isDue }) => isDue),
  };
}

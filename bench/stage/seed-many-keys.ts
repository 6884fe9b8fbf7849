import type pg from 'pg';
import { organizationsCount } from './seed-keys.ts';

const rowsPerInsert = 200_000;

/**
 * Inserts keys whose secrets nobody has, within Postgres: for tables of millions. Ids ascend, users
 * come in any order; one key in ten is in another environment, one in a thousand in a rare one, and
 * one in fifty is revoked.
 */
export async function seedManyKeys(
  sql: pg.Pool,
  count: number,
  mintedBy: string | null = null,
): Promise<void> {
  for (let from = 0; from < count; from += rowsPerInsert) {
    await sql.query(
      `INSERT INTO api_keys (id, lineage_id, pepper_id, digest, key_prefix, user_id, organization_id, environment,
         metadata, scopes, created_at, updated_at, status, revoked_at, minted_by)
       SELECT id, id, 'p1', sha256(id::bytea), 'fl_user_prod_' || substr(md5(id), 1, 8), 'user_' || substr(md5(n::text), 1, 10),
         'org_' || random(0, ${organizationsCount - 1}),
         CASE WHEN n % 1000 = 7 THEN 'rare' WHEN n % 10 = 0 THEN 'dev' ELSE 'prod' END, '{}', '{}', now(), now(),
         CASE WHEN n % 50 = 3 THEN 'revoked' ELSE 'active' END, CASE WHEN n % 50 = 3 THEN now() END, $3
       FROM (SELECT n, 'flk_0' || lpad(n::text, 9, '0') || substr(md5(n || 'id'), 1, 12) AS id
             FROM generate_series($1::bigint, $2) AS n) AS new`,
      [from, Math.min(from + rowsPerInsert, count) - 1, mintedBy],
    );
  }
  await sql.query('VACUUM ANALYZE api_keys');
}

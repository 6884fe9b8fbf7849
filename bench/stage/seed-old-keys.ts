import type pg from 'pg';
import { seedManyKeys } from './seed-many-keys.ts';

/**
 * Inserts keys as a release without `minted_by` has left them: the master key that minted each is
 * in its audit event alone. Key and event are of the same millisecond, ten keys in each.
 */
export async function seedOldKeys(sql: pg.Pool, count: number, minter: string): Promise<void> {
  await seedManyKeys(sql, count);
  const client = await sql.connect();
  try {
    await client.query('ALTER TABLE audit_events DISABLE TRIGGER USER');
    await client.query(
      `INSERT INTO audit_events (id, event_type, actor_kind, actor_id, organization_id, target_id, request_id, result, details, created_at)
       SELECT 'evt_' || substr(id, 5, 9) || substr(md5(id || 'event'), 1, 13), 'key.minted', 'master_key', $1, organization_id, id,
         'req_' || id, 'success', '{"environment": "prod"}', created_at
       FROM api_keys WHERE kind = 'user' AND minted_by IS NULL`,
      [minter],
    );
    await client.query('ALTER TABLE audit_events ENABLE TRIGGER USER');
    await client.query('VACUUM ANALYZE audit_events');
  } finally {
    client.release();
  }
}

import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { newId } from '../../src/domain/ids.ts';

const rowsPerInsert = 10_000;
const yearMs = 365 * 86_400_000;

/**
 * Seeds a year of audit log. 85 of 100 events are mints by master keys, each with tenants of its
 * own; one ended after a fifth of the time, and one minted ten keys in all. A fifth of the events
 * is in one organization.
 */
export async function seedAuditEvents(sql: pg.Pool, count: number): Promise<void> {
  const client = await sql.connect();
  try {
    // Indexes are built at the end, and no event waits for a seal.
    const { rows: indexes } = await client.query<{ name: string; definition: string }>(
      `SELECT indexname AS name, indexdef AS definition FROM pg_indexes
       WHERE tablename = 'audit_events' AND indexname <> 'audit_events_pkey'`,
    );
    for (const { name } of indexes) await client.query(`DROP INDEX ${name}`);
    await client.query('ALTER TABLE audit_events DISABLE TRIGGER USER');
    const startMs = Date.now() - yearMs;
    for (let from = 0; from < count; from += rowsPerInsert) {
      const times = Array.from({ length: rowsPerInsert }, (_, index) => ({
        at: from + index,
        now: new Date(startMs + ((from + index) / count) * yearMs),
      }));
      const ids = (kind: 'auditEvent' | 'key') => times.map(({ now }) => newId(kind, now, randomBytes));
      const numbers = times.map(({ at }) => at);
      const moments = times.map(({ now }) => now);
      await client.query(insertEvents(count), [numbers, moments, ids('auditEvent'), ids('key')]);
    }
    await client.query('ALTER TABLE audit_events ENABLE TRIGGER USER');
    for (const { definition } of indexes) await client.query(definition);
    await client.query('VACUUM ANALYZE');
  } finally {
    client.release();
  }
}

/** `part` of 1,000 selects the type, and `hash` the place, independently. */
const insertEvents = (count: number) => `
  INSERT INTO audit_events (id, event_type, actor_kind, actor_id, organization_id, target_id, request_id, result, details, created_at)
  SELECT id, type,
    CASE type WHEN 'key.expired' THEN 'system' WHEN 'tenant.key.created' THEN 'tenant_key'
      WHEN 'platform.login.refused' THEN 'anybody' WHEN 'platform.impersonated' THEN 'platform_user' ELSE 'master_key' END,
    CASE type WHEN 'key.expired' THEN 'flowplate' WHEN 'tenant.key.created' THEN 'ak_' || org
      WHEN 'platform.login.refused' THEN 'unknown' WHEN 'platform.impersonated' THEN 'puser_' || hash % 3
      ELSE CASE WHEN at % ${Math.max(1, Math.floor(count / 10))} = 7 THEN 'flm_rare' WHEN org = 0 THEN 'flm_zero'
        WHEN org < 20 AND at < ${count} * 0.2 THEN 'flm_ended' ELSE 'flm_main' END END,
    CASE WHEN type <> 'platform.login.refused' THEN 'org_' || org END, target, 'req_' || at,
    CASE type WHEN 'platform.login.refused' THEN 'refused' ELSE 'success' END, '{"environment": "prod"}', moment
  FROM (
    SELECT at, moment, id, target, hash, CASE WHEN hash % 5 = 0 THEN 0 ELSE 1 + hash / 5 % 99 END AS org,
      CASE WHEN part < 850 OR at % ${Math.max(1, Math.floor(count / 10))} = 7 THEN 'key.minted' WHEN part < 910 THEN 'key.revoked'
        WHEN part < 950 THEN 'key.refreshed' WHEN part < 975 THEN 'key.expired' WHEN part < 990 THEN 'tenant.key.created'
        WHEN part < 996 THEN 'platform.login.refused' ELSE 'platform.impersonated' END AS type
    FROM (
      SELECT *, abs(hashint4(at)) AS hash, abs(hashint4(-1 - at)) % 1000 AS part
      FROM unnest($1::integer[], $2::timestamptz[], $3::text[], $4::text[]) AS row (at, moment, id, target)
    ) AS drawn
  ) AS events`;

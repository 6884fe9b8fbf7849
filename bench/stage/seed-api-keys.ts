import type pg from 'pg';

const rowsPerInsert = 100_000;

/**
 * Seeds tenant and platform keys as after years of use. The oldest two fifths are revoked and the
 * next twentieth has expired, so keys of a status lie together. Most newer ones were used within
 * the hour, many of the oldest never. One tenant has a fifth of them; 2 in 100 are the platform's.
 * Their secrets are unknown.
 */
export async function seedApiKeys(sql: pg.Pool, count: number): Promise<void> {
  const client = await sql.connect();
  try {
    // Indexes are built at the end, instead of row by row.
    const { rows: indexes } = await client.query<{ name: string; definition: string }>(
      `SELECT indexname AS name, indexdef AS definition FROM pg_indexes WHERE indexname LIKE 'api\\_keys\\_shown%'`,
    );
    for (const { name } of indexes) await client.query(`DROP INDEX ${name}`);
    await client.query('ALTER TABLE api_keys DISABLE TRIGGER USER');
    for (let from = 0; from < count; from += rowsPerInsert) {
      await client.query(insertKeys(count), [from, Math.min(from + rowsPerInsert, count) - 1]);
    }
    await client.query('ALTER TABLE api_keys ENABLE TRIGGER USER');
    for (const { definition } of indexes) await client.query(definition);
    await client.query(countKeys);
    await client.query(insertUse, [Math.floor(count * 0.2), Math.floor(count * 0.3), count - 1]);
    await client.query('VACUUM ANALYZE');
  } finally {
    client.release();
  }
}

/** Names with common parts, names of old keys only, and one unique name. */
const insertKeys = (count: number) => `
  INSERT INTO api_keys (id, kind, lineage_id, user_id, pepper_id, digest, key_prefix, key_suffix, organization_id, environment,
    name, name_key, metadata, scopes, role_ids, status, expires_at, revoked_at, created_at, updated_at)
  SELECT id, kind, id, id, 'p1', decode(md5('digest' || at), 'hex'), prefix || left(md5(id), 8), left(md5('suffix' || at), 4),
    CASE WHEN kind = 'platform' THEN '_platform' WHEN at % 5 = 0 THEN 'org_0' ELSE 'org_' || (1 + at % 99) END, 'default',
    name, lower(name), '{}',
    CASE WHEN at % 100000 = 77 THEN ARRAY['read', 'billing:rare'] WHEN at % 3 = 0 THEN ARRAY['read'] ELSE ARRAY['read', 'write'] END,
    CASE WHEN kind = 'platform' THEN ARRAY['role_platform_viewer'] END, status,
    CASE WHEN status = 'expired' THEN now() - interval '1 day' WHEN at % 1000 = 3 THEN now() - interval '1 second'
      WHEN at % 4 = 0 THEN now() + interval '30 days' END,
    CASE WHEN status = 'revoked' THEN now() END, now() - (${count} - at) * interval '1 second', now()
  FROM (
    SELECT at, 'ak_' || lpad(at::text, 22, '0') AS id, CASE WHEN at % 50 = 1 THEN 'platform' ELSE 'tenant' END AS kind,
      CASE WHEN at % 50 = 1 THEN 'flplatform_' ELSE 'flkey_' END AS prefix,
      CASE WHEN at < ${count} * 0.4 THEN 'revoked' WHEN at < ${count} * 0.45 THEN 'expired' ELSE 'active' END AS status,
      CASE WHEN at = ${Math.floor(count / 8)} THEN 'The Only Zebra' WHEN at % 7 = 0 THEN 'ci-deploy-' || at
        WHEN at % 7 = 1 THEN 'Mobile App ' || at WHEN at < ${count} * 0.3 THEN 'legacy-' || at
        ELSE 'service ' || left(md5('name' || at), 10) END AS name
    FROM generate_series($1::integer, $2::integer) AS at
  ) AS keys`;

const countKeys = `
  INSERT INTO api_key_counts (shard, total, active, expired)
  SELECT 1000, count(*), count(*) FILTER (WHERE status = 'active' AND enabled), count(*) FILTER (WHERE status = 'expired')
  FROM api_keys WHERE kind IN ('tenant', 'platform')`;

const insertUse = `
  INSERT INTO usage_totals (lineage_id, accepted, first_used_at, last_used_at)
  SELECT 'ak_' || lpad(at::text, 22, '0'), 10, now() - interval '90 days',
    CASE WHEN at > $2::integer THEN now() ELSE now() - interval '60 days' END
  FROM generate_series($1::integer, $3::integer) AS at`;

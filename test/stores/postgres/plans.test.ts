import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { applyFlushes } from '../../../src/stores/postgres/usage/flushes.ts';
import { listLines } from '../../../src/stores/postgres/user-keys/lines.ts';
import { keyRecordLookUps } from '../../../src/stores/postgres/verify-records.ts';
import { query } from '../../support/query.ts';
import { openStores } from '../../support/stores.ts';
import { usageFlush, usageMark } from '../../support/usage.ts';

const stores = await openStores();
afterAll(() => stores.close());

const keysCount = 4_000;
const lineOf = (index: number) => `flk_${String(index).padStart(6, '0')}`;
const lines = Array.from({ length: keysCount }, (_, index) => lineOf(index));

/** Each in an organization of its own, and nobody has analyzed the tables. */
async function fill(): Promise<void> {
  await query(
    stores.databaseUrl,
    `INSERT INTO organizations (id, name, created_at, updated_at)
     SELECT 'org_' || n, 'org', now(), now() FROM generate_series(0, $1::integer - 1) AS n`,
    [keysCount],
  );
  await query(
    stores.databaseUrl,
    `INSERT INTO api_keys (id, lineage_id, pepper_id, digest, key_prefix, user_id, organization_id, environment, metadata,
       scopes, created_at, updated_at)
     SELECT 'flk_' || lpad(n::text, 6, '0'), 'flk_' || lpad(n::text, 6, '0'), 'p1', convert_to(n::text, 'UTF8'), 'fl_user_test_x', n,
       'org_' || n, 'test', '{}', '{}', now(), now() FROM generate_series(0, $1::integer - 1) AS n`,
    [keysCount],
  );
}

const digestOf = (index: number) => [{ pepperId: 'p1', digest: Buffer.from(String(index)) }];
const count = (ids: readonly string[]) =>
  applyFlushes(byIndex, [usageFlush(...ids.map((id) => usageMark(id, '2030-06-15T12:00:00Z')))]);

/** One connection, so that its prepared plans are known. */
const byIndex = stores.observed((_text, run) => run(), { connectionsMax: 1, looksUpByIndex: true });
const findKeyRecord = keyRecordLookUps(byIndex, { runningMax: 1, waitingMax: 10 });

async function scansOfWholeTable(): Promise<number> {
  await sql`SELECT pg_stat_force_next_flush()`.execute(byIndex);
  await sql`SELECT 1`.execute(byIndex);
  const [row] = await query(
    stores.databaseUrl,
    `SELECT seq_scan::integer AS scans FROM pg_stat_user_tables WHERE relname = 'api_keys'`,
  );
  return Number(row?.scans);
}

test('plans that were made while the tables were empty do not read the whole table once they are full', async () => {
  for (let time = 0; time < 10; time++) {
    await findKeyRecord(digestOf(time));
    await listLines(byIndex, lines.slice(0, 800));
    await count(['flk_early']);
  }
  await fill();
  const before = await scansOfWholeTable();
  for (let time = 0; time < 100; time++) {
    expect((await findKeyRecord(digestOf(time)))?.record.id).toBe(lineOf(time));
  }
  for (let time = 0; time < 5; time++) expect((await listLines(byIndex, lines.slice(0, 800))).size).toBe(800);
  expect(await count(lines)).toBe(1);
  expect(await scansOfWholeTable()).toBe(before);
});

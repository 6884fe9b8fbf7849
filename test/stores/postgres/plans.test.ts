import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listGovernedKeys } from '../../../src/stores/postgres/organizations/governed-keys.ts';
import { applyFlushes } from '../../../src/stores/postgres/usage/flushes.ts';
import { listLines } from '../../../src/stores/postgres/user-keys/lines.ts';
import { listKeys } from '../../../src/stores/postgres/user-keys/user-keys.ts';
import { keyRecordLookUps } from '../../../src/stores/postgres/verify-records.ts';
import { anyHistory } from '../../support/any-history.ts';
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
const findKeyRecord = keyRecordLookUps(byIndex, { runningMax: 1, waitingMax: 10 }, anyHistory);

async function scansOfWholeTable(db = byIndex): Promise<number> {
  await sql`SELECT pg_stat_force_next_flush()`.execute(db);
  await sql`SELECT 1`.execute(db);
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

describe('the keys of few among many', () => {
  const one = stores.observed((_text, run) => run(), { connectionsMax: 1 });
  const everybody = { organizationIds: null, environments: null, now: new Date() };

  beforeAll(async () => {
    if ((await listKeys(one, everybody, 1)).length === 0) await fill();
    // The oldest keys of a large organization, of another environment and of one user.
    await query(
      stores.databaseUrl,
      `UPDATE api_keys SET organization_id = 'org_0', environment = CASE WHEN id < 'flk_000050' THEN 'rare' ELSE 'test' END,
         user_id = CASE WHEN id < 'flk_000800' THEN 'old' ELSE user_id END,
         status = CASE WHEN id < 'flk_000800' THEN 'revoked' ELSE status END`,
    );
    await query(stores.databaseUrl, 'VACUUM ANALYZE api_keys');
  });

  test.each([
    ['of a user', { userId: '2000' }, 1, 200],
    ['of a user with the oldest fifth', { userId: 'old' }, 51, 1_000],
    ['of a rare environment', { environment: 'rare' }, 50, 200],
    ['of a rare environment of an organization', { organizationId: 'org_0', environment: 'rare' }, 50, 200],
    ['of an organization without keys', { organizationId: 'org_1' }, 0, 200],
  ])('%s are listed without a walk over the others', async (_whose, filter, found, readMax) => {
    const [scansBefore, readBefore] = [await scansOfWholeTable(one), await rowsRead()];
    const keys = await listKeys(one, { ...everybody, ...filter }, 51);
    expect(keys.map(({ id }) => id)).toEqual(
      keys
        .map(({ id }) => id)
        .toSorted()
        .toReversed(),
    );
    expect(keys.length).toBe(found);
    expect(await scansOfWholeTable(one)).toBe(scansBefore);
    expect((await rowsRead()) - readBefore).toBeLessThan(readMax);
  });

  test('a later page of a report on a policy begins where the one before ended', async () => {
    const [scansBefore, readBefore] = [await scansOfWholeTable(one), await rowsRead()];
    const keys = await listGovernedKeys(one, 'org_0', 20, 'flk_000100');
    expect(keys.map(({ id }) => id)).toEqual(lines.slice(80, 100).toReversed());
    expect(await scansOfWholeTable(one)).toBe(scansBefore);
    expect((await rowsRead()) - readBefore).toBeLessThan(200);
  });

  /** Of the table, by way of an index. */
  async function rowsRead(): Promise<number> {
    await sql`SELECT pg_stat_force_next_flush()`.execute(one);
    await sql`SELECT 1`.execute(one);
    const [row] = await query(
      stores.databaseUrl,
      `SELECT idx_tup_fetch::integer AS rows FROM pg_stat_user_tables WHERE relname = 'api_keys'`,
    );
    return Number(row?.rows);
  }
});

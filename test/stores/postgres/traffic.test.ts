import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyFlushes } from '../../../src/stores/postgres/usage/flushes.ts';
import {
  deleteTraffic,
  listTopKeys,
  listTraffic,
  trimTopKeys,
} from '../../../src/stores/postgres/usage/traffic.ts';
import { query } from '../../support/query.ts';
import { openStores } from '../../support/stores.ts';
import { usageFlush, usageMark } from '../../support/usage.ts';

const stores = await openStores();
const { db } = stores;
afterAll(() => stores.close());

const dayOf = (day: string) => ({ from: new Date(day), to: new Date(Date.parse(day) + 86_400_000) });

async function traffic(day: string, granularity: 'hour' | 'day' = 'hour') {
  const sums = await listTraffic(db, { ...dayOf(day), granularity });
  return sums.map(({ start, code, calls }) => [start.toISOString().slice(0, 13), code, calls]);
}

test('flushes that are added at once on many connections are all in the sums, and none twice', async () => {
  const flushes = Array.from({ length: 40 }, (_, index) =>
    usageFlush(
      usageMark(`flk_${index % 3}`, '2030-06-15T12:10:00Z', { calls: 2 }),
      usageMark(`flk_${index % 5}`, '2030-06-15T13:10:00Z', { code: 'EXPIRED' }),
    ),
  );
  await Promise.all([...flushes, ...flushes].map((flush) => applyFlushes(db, [flush])));
  expect(await traffic('2030-06-15')).toEqual([
    ['2030-06-15T12', 'VALID', 80],
    ['2030-06-15T13', 'EXPIRED', 40],
  ]);
  expect(await traffic('2030-06-15', 'day')).toEqual([
    ['2030-06-15T00', 'EXPIRED', 40],
    ['2030-06-15T00', 'VALID', 80],
  ]);
});

describe('the most used keys of a day', () => {
  const day = '2030-08-15';
  const at = `${day}T12:00:00Z`;
  const lineOf = (index: number) => `flk_${String(index).padStart(6, '0')}`;
  const topCalls = async (limit: number) =>
    (await listTopKeys(db, 'hidden', new Date(day), limit)).map(({ id, accepted }) => [id, accepted]);
  const fromDays = async (limit: number) => {
    const rows = await query(
      stores.databaseUrl,
      `SELECT lineage_id, calls::int FROM usage_days WHERE day = '${day}' AND code = 'VALID'
       ORDER BY calls DESC, lineage_id LIMIT ${limit}`,
    );
    return rows.map(({ lineage_id, calls }) => [lineage_id, calls]);
  };

  beforeAll(async () => {
    await query(
      stores.databaseUrl,
      `INSERT INTO api_keys (id, lineage_id, pepper_id, digest, key_prefix, user_id, organization_id, environment, metadata,
         scopes, created_at, updated_at)
       SELECT id, id, 'p1', convert_to(id, 'UTF8'), 'fl_user_test_x', id, 'org_1', 'test', '{}', '{}', now(), now()
       FROM (SELECT 'flk_' || lpad(n::text, 6, '0') AS id FROM generate_series(0, 2999) AS n)`,
    );
  });

  test('are exact among three thousand, counted in any order and concurrently', async () => {
    for (let round = 0; round < 6; round++) {
      const flushes = Array.from({ length: 4 }, () => {
        const lines = Array.from({ length: 800 }, () => lineOf(Math.floor(Math.random() * 3_000)));
        return usageFlush(
          ...lines.map((line) => usageMark(line, at, { calls: 1 + Math.floor(Math.random() * 9) })),
        );
      });
      await Promise.all(flushes.map((flush) => applyFlushes(db, [flush])));
      expect(await topCalls(1_000)).toEqual(await fromDays(1_000));
    }
  });

  test('stay exact when what lies beyond them is forgotten', async () => {
    const places = async () =>
      (
        await query(stores.databaseUrl, `SELECT count(*)::int AS places FROM usage_tops WHERE day = '${day}'`)
      )[0]?.places;
    expect(await places()).toBeGreaterThan(1_000);
    await trimTopKeys(db, new Date(day));
    expect(await places()).toBe(1_000);
    const least = usageMark(lineOf(2_999), at, { calls: 10_000 });
    await applyFlushes(db, [usageFlush(least)]);
    expect((await topCalls(1))[0]?.[0]).toBe(lineOf(2_999));
    expect(await topCalls(1_000)).toEqual(await fromDays(1_000));
  });

  test('are those that were counted before there was an order of them', async () => {
    const before = await topCalls(1_000);
    const migration = new URL(
      '../../../src/stores/postgres/migrations/0024_usage_in_one_pass.sql',
      import.meta.url,
    );
    await query(
      stores.databaseUrl,
      `DROP TABLE usage_tops; DROP FUNCTION saturating_sum;
       CREATE INDEX usage_days_top_shown ON usage_days (day, calls DESC, lineage_id)
         WHERE code = 'VALID' AND starts_with(lineage_id, 'ak_');
       CREATE INDEX usage_days_top_hidden ON usage_days (day, calls DESC, lineage_id)
         WHERE code = 'VALID' AND starts_with(lineage_id, 'flk_')`,
    );
    await query(stores.databaseUrl, `BEGIN; ${await readFile(migration, 'utf8')} COMMIT`);
    expect(await topCalls(1_000)).toEqual(before);
  });
});

test('what is past its retention is forgotten, hours and days each by their own', async () => {
  for (const day of ['2030-07-01', '2030-07-02', '2030-07-03']) {
    await applyFlushes(db, [usageFlush(usageMark('flk_old', `${day}T05:00:00Z`))]);
  }
  await deleteTraffic(db, { hours: new Date('2030-07-03'), days: new Date('2030-07-02') });
  const kept = async (granularity: 'hour' | 'day') => {
    const days = ['2030-07-01', '2030-07-02', '2030-07-03'].map((day) => traffic(day, granularity));
    return (await Promise.all(days)).map((rows) => rows.length);
  };
  expect(await kept('hour')).toEqual([0, 0, 1]);
  expect(await kept('day')).toEqual([0, 1, 1]);
});

test('what was counted for each key before there were sums of all is in them', async () => {
  const own = await openStores();
  const { databaseUrl } = own;
  await query(
    databaseUrl,
    `INSERT INTO organizations (id, name, created_at, updated_at) VALUES ('org_before', 'Before', now(), now());
     INSERT INTO api_keys (id, lineage_id, pepper_id, digest, key_prefix, user_id, organization_id, environment, metadata, scopes,
       created_at, updated_at)
     VALUES ('flk_before', 'flk_before', 'p1', 'x', 'fl_user_test_x', 'usr_1', 'org_before', 'test', '{}', '{}', now(), now())`,
  );
  const at = '2030-06-15T12:00:00Z';
  const marks = [usageMark('flk_before', at, { calls: 3 }), usageMark('flk_before', at, { code: 'EXPIRED' })];
  await applyFlushes(own.db, [usageFlush(...marks)]);
  const all = `SELECT (SELECT json_agg(json_build_array(hour, code, calls) ORDER BY code) FROM traffic_hours) AS hours,
    (SELECT json_agg(json_build_array(day, code, calls) ORDER BY code) FROM traffic_days) AS days,
    (SELECT json_agg(json_build_array(day, organization_id, accepted, refused)) FROM organization_days) AS organizations`;
  const [before] = await query(databaseUrl, all);
  expect(before?.organizations).toEqual([['2030-06-15', 'org_before', 3, 1]]);
  const migration = new URL('../../../src/stores/postgres/migrations/0017_traffic.sql', import.meta.url);
  await query(
    databaseUrl,
    `DROP TABLE traffic_hours, traffic_days, organization_days;
     CREATE TABLE accepted_calls ();`,
  );
  await query(databaseUrl, `BEGIN; ${await readFile(migration, 'utf8')} COMMIT`);
  expect((await query(databaseUrl, all))[0]).toEqual(before);
  await own.close();
});

import { afterAll, describe, expect, test } from 'vitest';
import { applyFlushes } from '../../../src/stores/postgres/usage/flushes.ts';
import { makeUsagePartitions } from '../../../src/stores/postgres/usage/partitions.ts';
import { managePartitions } from '../../../src/usecases/usage/manage-partitions.ts';
import { query } from '../../support/query.ts';
import { openStores } from '../../support/stores.ts';
import { usageFlush, usageMark } from '../../support/usage.ts';

const stores = await openStores();
const { db } = stores;
afterAll(() => stores.close());

const forEver = { usageHoursDays: 36_500, usageDaysDays: 36_500 };

/** The first day of the month `months` away, in UTC. */
function monthAway(months: number): Date {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months, 1));
}

const nameOf = (parent: string, month: Date) =>
  `${parent}_${month.toISOString().slice(0, 7).replace('-', '_')}`;

async function partitions(): Promise<string[]> {
  const rows = await query(
    stores.databaseUrl,
    'SELECT inhrelid::regclass::text AS name FROM pg_inherits ORDER BY 1',
  );
  return rows.map(({ name }) => name).filter((name) => /_\d{4}_\d{2}$/.test(name));
}

test('the partitions of this month and the two after it are made, once', async () => {
  for (const name of await partitions()) await query(stores.databaseUrl, `DROP TABLE ${name}`);
  expect(await managePartitions({ db, retention: forEver })).toEqual([]);
  const expected = ['usage_days', 'usage_hours'].flatMap((parent) =>
    [0, 1, 2].map((months) => nameOf(parent, monthAway(months))),
  );
  expect(await partitions()).toEqual(expected.sort());
  await managePartitions({ db, retention: forEver });
  expect(await partitions()).toEqual(expected.sort());
});

test('sums over all keys go with the hours and days that they add up', async () => {
  for (const months of [-6, 0]) {
    const mark = usageMark('flk_sums', new Date(monthAway(months).getTime() + 1_000).toISOString());
    await applyFlushes(db, [usageFlush(mark)]);
  }
  const left = async () => {
    const [row] = await query(
      stores.databaseUrl,
      'SELECT (SELECT count(*)::int FROM traffic_hours) AS hours, (SELECT count(*)::int FROM traffic_days) AS days',
    );
    return row;
  };
  await managePartitions({ db, retention: { usageHoursDays: 92, usageDaysDays: 36_500 } });
  expect(await left()).toEqual({ hours: 1, days: 2 });
  await managePartitions({ db, retention: { usageHoursDays: 92, usageDaysDays: 92 } });
  expect(await left()).toEqual({ hours: 1, days: 1 });
});

describe('a partition is dropped', () => {
  test('when all of its days are past their retention, hours and days each by their own', async () => {
    await makeUsagePartitions(db, monthAway(-5), monthAway(0));
    const dayMs = 86_400_000;
    const daysSince = (date: Date) => Math.ceil((Date.now() - date.getTime()) / dayMs);
    // Hours are kept from the middle of the month before last on: that month is kept whole.
    const retention = { usageHoursDays: daysSince(monthAway(-2)) - 14, usageDaysDays: 36_500 };
    const dropped = await managePartitions({ db, retention });
    expect(dropped).toEqual([-5, -4, -3].map((months) => nameOf('usage_hours', monthAway(months))));
    const left = await partitions();
    expect(left).toContain(nameOf('usage_hours', monthAway(-2)));
    expect(left).toContain(nameOf('usage_days', monthAway(-5)));
  });

  test('once, by many at a time, while flushes keep coming', async () => {
    const retention = { usageHoursDays: 32, usageDaysDays: 32 };
    await makeUsagePartitions(db, monthAway(-26), monthAway(0));
    const managers = Array.from({ length: 12 }, () => managePartitions({ db, retention }));
    const flushing = Array.from({ length: 20 }, () =>
      applyFlushes(db, [usageFlush(usageMark('flk_1', new Date().toISOString()))]),
    );
    await Promise.all([...managers, ...flushing]);
    const left = await partitions();
    for (const months of [-26, -8, -3]) expect(left).not.toContain(nameOf('usage_hours', monthAway(months)));
    expect(left).toContain(nameOf('usage_hours', monthAway(0)));
    const counted = `SELECT sum(calls)::int AS calls FROM usage_hours WHERE lineage_id = 'flk_1'`;
    const [row] = await query(stores.databaseUrl, counted);
    expect(row?.calls).toBe(20);
  });
});

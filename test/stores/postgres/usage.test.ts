import { afterAll, describe, expect, test } from 'vitest';
import type { Database } from '../../../src/stores/postgres/database.ts';
import { readPlatformCounts } from '../../../src/stores/postgres/platform-counts.ts';
import { applyFlushes } from '../../../src/stores/postgres/usage/flushes.ts';
import { makeUsagePartitions } from '../../../src/stores/postgres/usage/partitions.ts';
import { listTraffic } from '../../../src/stores/postgres/usage/traffic.ts';
import {
  listUsageSums,
  listUsageTotals,
  sumAcceptedCosts,
} from '../../../src/stores/postgres/usage/usage.ts';
import { query } from '../../support/query.ts';
import { openStores } from '../../support/stores.ts';
import { usageFlush, usageMark } from '../../support/usage.ts';

const stores = await openStores();
const { db } = stores;
afterAll(() => stores.close());

let lines = 0;
const newLine = () => `flk_line_${++lines}`;

async function sums(lineageId: string, granularity: 'hour' | 'day', from: string, to: string) {
  const range = { from: new Date(from), to: new Date(to), granularity };
  const rows = await listUsageSums(db, lineageId, range);
  return rows.map(({ start, code, calls, cost }) => [start.toISOString().slice(0, 16), code, calls, cost]);
}

async function costSince(on: Database, lineageId: string, day: string): Promise<number | undefined> {
  return (await sumAcceptedCosts(on, [{ lineageId, since: new Date(day) }], [])).costs[0];
}

describe('calls are summed', () => {
  test('by hour and by UTC day, on both sides of midnight', async () => {
    const line = newLine();
    const before = usageMark(line, '2030-06-15T23:59:59.999Z', { calls: 2, cost: 5 });
    const after = usageMark(line, '2030-06-16T00:00:00.000Z', { calls: 3, cost: 7 });
    await applyFlushes(db, [usageFlush(before, after)]);
    expect(await sums(line, 'hour', '2030-06-15', '2030-06-17')).toEqual([
      ['2030-06-15T23:00', 'VALID', 2, 5],
      ['2030-06-16T00:00', 'VALID', 3, 7],
    ]);
    expect(await sums(line, 'day', '2030-06-15', '2030-06-17')).toEqual([
      ['2030-06-15T00:00', 'VALID', 2, 5],
      ['2030-06-16T00:00', 'VALID', 3, 7],
    ]);
  });

  test('by outcome, marks of several flushes and of one flush together', async () => {
    const line = newLine();
    const at = '2030-06-15T12:00:30Z';
    const refusal = { code: 'RATE_LIMITED' as const, cost: 0 };
    await applyFlushes(db, [
      usageFlush(usageMark(line, at), usageMark(line, at, refusal), usageMark(line, '2030-06-15T12:59:00Z')),
      usageFlush(usageMark(line, at), usageMark(line, at, { code: 'SUPERSEDED' })),
    ]);
    await applyFlushes(db, [usageFlush(usageMark(line, at, refusal))]);
    const expected = [
      ['RATE_LIMITED', 2, 0],
      ['SUPERSEDED', 1, 1],
      ['VALID', 3, 3],
    ];
    const hours = await sums(line, 'hour', '2030-06-15T12:00Z', '2030-06-15T13:00Z');
    expect(hours.map(([, ...rest]) => rest)).toEqual(expected);
    const days = await sums(line, 'day', '2030-06-15', '2030-06-16');
    expect(days.map(([, ...rest]) => rest)).toEqual(expected);
  });

  test('on the day of the call, however late the flush comes', async () => {
    const line = newLine();
    await applyFlushes(db, [usageFlush(usageMark(line, '2030-06-20T10:00:00Z'))]);
    await applyFlushes(db, [usageFlush(usageMark(line, '2030-06-15T10:00:00Z', { calls: 4, cost: 4 }))]);
    expect(await sums(line, 'day', '2030-06-01', '2030-07-01')).toEqual([
      ['2030-06-15T00:00', 'VALID', 4, 4],
      ['2030-06-20T00:00', 'VALID', 1, 1],
    ]);
  });

  test('also in months without a partition', async () => {
    const line = newLine();
    const times = [
      '2019-02-28T23:59:59.999Z',
      '2019-03-01T00:00:00.000Z',
      '2048-02-29T12:00:00Z',
      '2048-12-31T23:59:59Z',
    ];
    for (const at of times) await applyFlushes(db, [usageFlush(usageMark(line, at))]);
    expect(await sums(line, 'day', '2019-01-01', '2049-01-01')).toEqual(
      times.map((at) => [`${at.slice(0, 10)}T00:00`, 'VALID', 1, 1]),
    );
  });

  test('in UTC, in any time zone of the connection', async () => {
    const line = newLine();
    await query(
      stores.databaseUrl,
      `ALTER DATABASE ${new URL(stores.databaseUrl).pathname.slice(1)} SET timezone = 'Pacific/Apia'`,
    );
    const elsewhere = stores.observed((_text, run) => run());
    const mark = usageMark(line, '2031-10-31T23:30:00Z');
    await applyFlushes(elsewhere, [usageFlush(mark)]);
    const range = { from: new Date('2031-10-31'), to: new Date('2031-11-01') };
    for (const granularity of ['hour', 'day'] as const) {
      const rows = await listUsageSums(elsewhere, line, { ...range, granularity });
      expect(rows.map(({ start }) => start.toISOString())).toEqual([
        granularity === 'hour' ? '2031-10-31T23:00:00.000Z' : '2031-10-31T00:00:00.000Z',
      ]);
    }
    expect(await costSince(elsewhere, line, '2031-10-31')).toBe(1);
  });
});

describe('sums end at the largest number instead of failing', () => {
  const most = Number.MAX_SAFE_INTEGER;
  const at = '2030-07-15T12:00:00Z';
  const counted = (line: string, changed: object) =>
    applyFlushes(db, [usageFlush(usageMark(line, at, { calls: most, cost: most, ...changed }))]);

  test('in Postgres, in every table, and a sum that is full takes more without a fault', async () => {
    const [line, other] = [newLine(), newLine()];
    await counted(line, {});
    const largest = 9_223_372_036_854_775_807n;
    for (const [table, columns] of [
      ['usage_hours', ['calls', 'cost']],
      ['usage_days', ['calls', 'cost']],
      ['usage_totals', ['accepted', 'refused']],
      ['traffic_hours', ['calls']],
      ['traffic_days', ['calls']],
    ] as const) {
      const full = columns.map((column) => `${column} = ${largest - 5n}`).join();
      await query(stores.databaseUrl, `UPDATE ${table} SET ${full}`);
    }
    await counted(line, {});
    await counted(line, { code: 'EXPIRED' });
    await counted(other, {});
    const [sums] = await query(
      stores.databaseUrl,
      `SELECT (SELECT max(calls)::text FROM usage_hours) AS hours, (SELECT max(cost)::text FROM usage_days) AS days,
        (SELECT accepted::text FROM usage_totals WHERE lineage_id = '${line}') AS accepted,
        (SELECT refused::text FROM usage_totals WHERE lineage_id = '${line}') AS refused,
        (SELECT max(calls)::text FROM traffic_hours) AS all_hours, (SELECT max(calls)::text FROM traffic_days) AS all_days`,
    );
    for (const sum of Object.values(sums ?? {})) expect(sum).toBe(String(largest));
  });

  test('in one round, and in what is read: the largest number that is exact', async () => {
    const line = newLine();
    const marks = ['2030-08-01T12:00:00Z', '2030-08-02T12:00:00Z'].flatMap((time) =>
      Array.from({ length: 2 }, () => usageMark(line, time, { calls: most, cost: most })),
    );
    await applyFlushes(db, [usageFlush(...marks)]);
    await applyFlushes(db, [usageFlush(...marks.slice(0, 2))]);
    expect(await costSince(db, line, '2030-08-01')).toBe(most);
    expect((await sums(line, 'day', '2030-08-01', '2030-08-02'))[0]).toEqual([
      '2030-08-01T00:00',
      'VALID',
      most,
      most,
    ]);
    const totals = await listUsageTotals(db, [line], new Date('2030-08-01T18:00:00Z'));
    expect(totals.get(line)).toMatchObject({ accepted: most, acceptedToday: most });
    const traffic = await listTraffic(db, {
      from: new Date('2030-08-01'),
      to: new Date('2030-08-03'),
      granularity: 'day',
    });
    expect(traffic.map(({ calls }) => calls)).toEqual([most, most]);
    expect((await readPlatformCounts(db, new Date('2030-08-01T01:00:00Z'))).callsToday).toBe(most);
  });

  test('in the sums of organizations', async () => {
    const line = newLine();
    await insertKey(line);
    await counted(line, {});
    await query(
      stores.databaseUrl,
      'UPDATE organization_days SET accepted = 9223372036854775806, refused = 9223372036854775806',
    );
    await counted(line, {});
    await counted(line, { code: 'EXPIRED' });
    const rows = await query(
      stores.databaseUrl,
      'SELECT accepted::text, refused::text FROM organization_days',
    );
    expect(rows).toEqual([{ accepted: '9223372036854775807', refused: '9223372036854775807' }]);
  });
});

/** Just the row, for what looks only at whose it is. */
async function insertKey(id: string): Promise<void> {
  await query(
    stores.databaseUrl,
    `INSERT INTO api_keys (id, lineage_id, pepper_id, digest, key_prefix, user_id, organization_id, environment, metadata,
       scopes, created_at, updated_at)
     VALUES ($1, $1, 'p1', convert_to($1, 'UTF8'), 'fl_user_test_x', $1, 'org_1', 'test', '{}', '{}', now(), now())`,
    [id],
  );
}

describe('the range of a question', () => {
  test('begins with its first instant and ends before its last', async () => {
    const line = newLine();
    const times = [
      '2030-06-14T23:59:59Z',
      '2030-06-15T00:00:00Z',
      '2030-06-15T23:59:59Z',
      '2030-06-16T00:00:00Z',
    ];
    await applyFlushes(db, [usageFlush(...times.map((at) => usageMark(line, at)))]);
    expect(await sums(line, 'day', '2030-06-15', '2030-06-16')).toEqual([
      ['2030-06-15T00:00', 'VALID', 2, 2],
    ]);
    expect(await sums(line, 'hour', '2030-06-15', '2030-06-16')).toHaveLength(2);
  });
});

describe('the totals of a line', () => {
  const today = new Date('2030-06-15T18:00:00Z');
  const totalsOf = async (line: string) => (await listUsageTotals(db, [line], today)).get(line);

  test('are absent until it is used', async () => {
    expect(await totalsOf(newLine())).toBeUndefined();
  });

  test('count accepted and refused calls apart, and only accepted ones as use', async () => {
    const line = newLine();
    const marks = [
      usageMark(line, '2030-06-14T10:00:00Z', { calls: 2 }),
      usageMark(line, '2030-06-15T10:00:00Z', { calls: 3 }),
      usageMark(line, '2030-06-15T11:00:00Z', { code: 'SUPERSEDED' }),
      usageMark(line, '2030-06-13T00:00:00Z', { code: 'EXPIRED', calls: 7 }),
      usageMark(line, '2030-06-15T12:00:00Z', { code: 'QUOTA_EXCEEDED' }),
    ];
    await applyFlushes(db, [usageFlush(...marks)]);
    expect(await totalsOf(line)).toEqual({
      accepted: 6,
      refused: 8,
      acceptedToday: 4,
      firstUsedAt: new Date('2030-06-14T10:00:00Z'),
      lastUsedAt: new Date('2030-06-15T11:00:00Z'),
    });
  });

  test('keep first and last use in any order of flushes', async () => {
    const line = newLine();
    for (const day of ['12', '10', '14', '11']) {
      await applyFlushes(db, [usageFlush(usageMark(line, `2030-06-${day}T00:00:00Z`))]);
    }
    expect(await totalsOf(line)).toMatchObject({
      firstUsedAt: new Date('2030-06-10T00:00:00Z'),
      lastUsedAt: new Date('2030-06-14T00:00:00Z'),
    });
  });

  test('of a line that was only ever refused have no first and no last use', async () => {
    const line = newLine();
    await applyFlushes(db, [usageFlush(usageMark(line, '2030-06-15T10:00:00Z', { code: 'DISABLED' }))]);
    expect(await totalsOf(line)).toEqual({
      accepted: 0,
      refused: 1,
      acceptedToday: 0,
      firstUsedAt: null,
      lastUsedAt: null,
    });
  });
});

test('the cost of a period is that of its accepted calls, from its first day on', async () => {
  const line = newLine();
  const marks = [
    usageMark(line, '2030-05-31T23:59:59Z', { cost: 100 }),
    usageMark(line, '2030-06-01T00:00:00Z', { cost: 10 }),
    usageMark(line, '2030-06-15T00:00:00Z', { cost: 3, code: 'SUPERSEDED' }),
    usageMark(line, '2030-06-15T00:00:00Z', { cost: 50, code: 'RATE_LIMITED' }),
  ];
  await applyFlushes(db, [usageFlush(...marks)]);
  expect(await costSince(db, line, '2030-06-01')).toBe(13);
  expect(await costSince(db, newLine(), '2030-06-01')).toBe(0);
});

test('costs of several lines are summed in the order of the question, each from its own day', async () => {
  const [first, second, third] = [newLine(), newLine(), newLine()];
  const flush = usageFlush(
    usageMark(first, '2030-06-01T00:00:00Z', { cost: 1 }),
    usageMark(first, '2030-06-15T00:00:00Z', { cost: 10 }),
    usageMark(second, '2030-06-01T00:00:00Z', { cost: 100 }),
    usageMark(second, '2030-06-15T00:00:00Z', { cost: 1_000 }),
  );
  await applyFlushes(db, [flush]);
  const waiting = usageFlush(usageMark(first, '2030-06-15T00:00:00Z'));
  const asked = [
    { lineageId: second, since: new Date('2030-06-15') },
    { lineageId: third, since: new Date('2030-06-01') },
    { lineageId: first, since: new Date('2030-06-01') },
    { lineageId: second, since: new Date('2030-06-01') },
  ];
  const { costs, counted } = await sumAcceptedCosts(db, asked, [waiting.id, flush.id]);
  expect(costs).toEqual([1_000, 0, 11, 1_100]);
  expect([...counted]).toEqual([flush.id]);
});

test('partitions can be made by many at once, and again', async () => {
  const months = () => makeUsagePartitions(db, new Date('2040-11-15'), new Date('2041-02-01'));
  await Promise.all(Array.from({ length: 8 }, months));
  await months();
  const made = await query(
    stores.databaseUrl,
    `SELECT relname FROM pg_class WHERE relname ~ 'usage_.*_204[01]_[0-9]+$' ORDER BY 1`,
  );
  expect(made.map(({ relname }) => relname)).toEqual(
    ['usage_days', 'usage_hours'].flatMap((parent) =>
      ['2040_11', '2040_12', '2041_01', '2041_02'].map((month) => `${parent}_${month}`),
    ),
  );
});

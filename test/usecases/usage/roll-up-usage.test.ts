import { randomUUID } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { FlowplateError } from '../../../src/domain/errors.ts';
import type { UsageFlush } from '../../../src/domain/usage.ts';
import { applyFlushes } from '../../../src/stores/postgres/usage/flushes.ts';
import {
  listSetAsideFlushes,
  type SetAsideFlush,
} from '../../../src/stores/postgres/usage/set-aside-flushes.ts';
import { countFlushes, listFlushIds, openFlush, pushFlush } from '../../../src/stores/redis/usage-flushes.ts';
import { countFlush } from '../../../src/usecases/usage/count-flush.ts';
import { readFlushBatch } from '../../../src/usecases/usage/flush-batch.ts';
import { putFlushBack } from '../../../src/usecases/usage/put-flush-back.ts';
import { rollUpUsage } from '../../../src/usecases/usage/roll-up-usage.ts';
import { query } from '../../support/query.ts';
import { openStores } from '../../support/stores.ts';
import { acceptedCalls, usageFlush, usageMark } from '../../support/usage.ts';

const stores = await openStores();
const { db, redis, flushStamps } = stores;
const setAside: SetAsideFlush[] = [];
const parts = { db, redis, flushStamps, onSetAside: (flush: SetAsideFlush) => void setAside.push(flush) };
afterAll(() => stores.close());
beforeEach(() => stores.flushRedis());

let lines = 0;
const newLine = () => `flk_line_${++lines}`;
const at = '2030-06-15T12:00:00Z';

/** Flushes of one call each, waiting in Redis. */
async function waiting(lineageId: string, count: number): Promise<UsageFlush[]> {
  const flushes = Array.from({ length: count }, () => usageFlush(usageMark(lineageId, at)));
  for (const flush of flushes) await pushFlush(stores, flush);
  return flushes;
}

describe('each call is counted exactly once', () => {
  test('when nothing goes wrong, and nothing waits afterwards', async () => {
    const line = newLine();
    await waiting(line, 120);
    expect(await rollUpUsage(parts)).toBe(120);
    expect(await acceptedCalls(db, line)).toBe(120);
    expect(await countFlushes(redis)).toBe(0);
    expect(await rollUpUsage(parts)).toBe(0);
  });

  test('when the roll-up is killed between its commit and the removal', async () => {
    const line = newLine();
    const flushes = await waiting(line, 10);
    await applyFlushes(db, flushes);
    expect(await rollUpUsage(parts)).toBe(0);
    expect(await acceptedCalls(db, line)).toBe(10);
    expect(await countFlushes(redis)).toBe(0);
  });

  test('when the roll-up is killed before its commit', async () => {
    const line = newLine();
    await waiting(line, 10);
    const killed = stores.observed((text, run) =>
      /^commit/i.test(text) ? Promise.reject(new Error('killed')) : run(),
    );
    await expect(rollUpUsage({ ...parts, db: killed })).rejects.toThrow('killed');
    expect(await acceptedCalls(db, line)).toBe(0);
    expect(await rollUpUsage(parts)).toBe(10);
    expect(await acceptedCalls(db, line)).toBe(10);
  });

  test('when eight roll-ups run at once over the same flushes', async () => {
    const line = newLine();
    await waiting(line, 300);
    const counted = await Promise.all(Array.from({ length: 8 }, () => rollUpUsage(parts)));
    expect(counted.reduce((sum, count) => sum + count, 0)).toBe(300);
    expect(await acceptedCalls(db, line)).toBe(300);
  });

  test('when flushes keep coming while it works', async () => {
    const line = newLine();
    const coming = waiting(line, 200);
    let isDone = false;
    void coming.finally(() => {
      isDone = true;
    });
    while (!isDone) await rollUpUsage(parts);
    await rollUpUsage(parts);
    expect(await acceptedCalls(db, line)).toBe(200);
  });

  test('when a flush is delivered again after it was rolled up', async () => {
    const line = newLine();
    const [flush] = await waiting(line, 1);
    await rollUpUsage(parts);
    await pushFlush(stores, flush as UsageFlush);
    expect(await rollUpUsage(parts)).toBe(0);
    expect(await acceptedCalls(db, line)).toBe(1);
  });

  test('when a flush went into Redis, its answer was lost, and it was then brought straight to Postgres', async () => {
    const line = newLine();
    const [flush] = await waiting(line, 1);
    const [direct, rolledUp] = await Promise.all([
      applyFlushes(db, [flush as UsageFlush]),
      rollUpUsage(parts),
    ]);
    expect(direct + rolledUp).toBe(1);
    expect(await acceptedCalls(db, line)).toBe(1);
  });
});

describe('one round holds as much as there is', () => {
  const marksOf = (flush: number, count: number) =>
    Array.from({ length: count }, (_, index) => usageMark(`flk_round_${flush}_${index}`, at));

  test('more than 125,000 marks at once are counted', async () => {
    for (let flush = 0; flush < 13; flush++) await pushFlush(stores, usageFlush(...marksOf(flush, 10_000)));
    expect(await rollUpUsage(parts)).toBe(13);
    expect(await countFlushes(redis)).toBe(0);
    const [row] = await query(
      stores.databaseUrl,
      `SELECT count(*)::int AS lines, sum(accepted)::int AS calls FROM usage_totals WHERE starts_with(lineage_id, 'flk_round_')`,
    );
    expect(row).toEqual({ lines: 130_000, calls: 130_000 });
  }, 120_000);

  test('one flush of a release that knew no bound is counted, too', async () => {
    const line = newLine();
    const marks = Array.from({ length: 140_000 }, () => usageMark(line, at));
    await pushFlush(stores, { id: randomUUID(), marks });
    expect(await rollUpUsage(parts)).toBe(1);
    expect(await acceptedCalls(db, line)).toBe(140_000);
  });

  test('a round that is full leaves the rest to the next, and all are counted in one run', async () => {
    const flushes = 32;
    for (let flush = 0; flush < flushes; flush++) {
      await pushFlush(stores, usageFlush(...marksOf(100 + flush, 10_000)));
    }
    const ids = await listFlushIds(redis, flushes);
    const batch = await readFlushBatch(stores, ids);
    expect(batch.hours.length).toBeGreaterThanOrEqual(200_000);
    expect(batch.ids.length + batch.rest.length).toBe(flushes);
    expect(batch.rest.length).toBeGreaterThan(0);
    expect(await rollUpUsage(parts)).toBe(flushes);
    expect(await countFlushes(redis)).toBe(0);
  }, 120_000);
});

describe('a flush that cannot be added up', () => {
  const poison = 'flk_poison';

  /** A row that passes our own checks and Postgres refuses. */
  async function whileRefused(act: () => Promise<void>): Promise<void> {
    const check = `ALTER TABLE usage_totals ADD CONSTRAINT no_poison CHECK (lineage_id <> '${poison}') NOT VALID`;
    await query(stores.databaseUrl, check);
    try {
      await act();
    } finally {
      await query(stores.databaseUrl, 'ALTER TABLE usage_totals DROP CONSTRAINT no_poison');
    }
  }

  const keptAside = () => listSetAsideFlushes(db, 0, 100);
  const poisonous = async () => {
    const flush = usageFlush(usageMark(poison, at, { calls: 5 }));
    await pushFlush(stores, flush);
    return flush;
  };

  beforeEach(async () => {
    setAside.length = 0;
    await query(stores.databaseUrl, 'TRUNCATE usage_flushes_set_aside');
  });

  test('is found among a hundred others, set aside and told once; the others are counted', async () => {
    const line = newLine();
    await waiting(line, 50);
    const bad = await poisonous();
    await waiting(line, 50);
    await whileRefused(async () => {
      expect(await rollUpUsage(parts)).toBe(100);
    });
    expect(await acceptedCalls(db, line)).toBe(100);
    expect(await countFlushes(redis)).toBe(0);
    expect(setAside).toMatchObject([{ flushId: bad.id, error: expect.stringContaining('no_poison') }]);
    expect(await keptAside()).toMatchObject([
      { flushId: bad.id, error: expect.stringContaining('no_poison') },
    ]);
    expect(await acceptedCalls(db, poison)).toBe(0);
  });

  test('is counted once when it is put back, be it twice', async () => {
    await poisonous();
    await whileRefused(async () => void (await rollUpUsage(parts)));
    const [kept] = await keptAside();
    if (kept === undefined) throw new Error('none');
    await putFlushBack(parts, kept);
    expect(await keptAside()).toEqual([]);
    expect(await rollUpUsage(parts)).toBe(1);
    await putFlushBack(parts, kept);
    expect(await rollUpUsage(parts)).toBe(0);
    expect(await acceptedCalls(db, poison)).toBe(5);
    expect(setAside).toHaveLength(1);
  });

  test.each([
    ['no JSON', '{'],
    ['nothing that was ever a mark', '[["flk_x", "yesterday", "VALID", 1, 1, 0, 0]]'],
    ['more than any number holds', `[["flk_x", 0, "VALID", 1e30, 1, 0, 0]]`],
    ['bytes that no text has', '\0'],
  ])('because it is %s is set aside as it is', async (_name, text) => {
    const line = newLine();
    const id = randomUUID();
    await redis.hset('fl:usage:flushes', id, text);
    await waiting(line, 3);
    expect(await rollUpUsage(parts)).toBe(3);
    expect(await countFlushes(redis)).toBe(0);
    expect(await keptAside()).toMatchObject([{ flushId: id, payload: Buffer.from(text) }]);
  });

  test('with an invalid id is set aside, for any id', async () => {
    for (const name of ['', 'x\0', 'y'.repeat(5_000)]) await redis.hset('fl:usage:flushes', name, '[]');
    expect(await rollUpUsage(parts)).toBe(0);
    expect(await countFlushes(redis)).toBe(0);
    expect(await keptAside()).toHaveLength(3);
  });

  test('because it is of a hundred months makes no table for them', async () => {
    const marks = Array.from({ length: 100 }, (_, month) =>
      usageMark('flk_months', new Date(Date.UTC(2060, month)).toISOString()),
    );
    await pushFlush(stores, usageFlush(...marks));
    await waiting(newLine(), 1);
    expect(await rollUpUsage(parts)).toBe(1);
    expect(await keptAside()).toHaveLength(1);
    const made = await query(stores.databaseUrl, `SELECT FROM pg_class WHERE relname ~ 'usage_days_206'`);
    expect(made).toEqual([]);
  });

  test('stays where it is while the server is away: nothing is to blame then', async () => {
    await waiting(newLine(), 3);
    const away = stores.observed((text, run) =>
      /INSERT INTO usage_hours/.test(text)
        ? Promise.reject(new FlowplateError('DEPENDENCY_UNAVAILABLE'))
        : run(),
    );
    await expect(rollUpUsage({ ...parts, db: away })).rejects.toMatchObject({
      code: 'DEPENDENCY_UNAVAILABLE',
    });
    expect(await countFlushes(redis)).toBe(3);
    expect(setAside).toEqual([]);
  });

  test('stays where it is when every flush fails alike, for a reason that is no data', async () => {
    await waiting(newLine(), 3);
    await query(stores.databaseUrl, 'ALTER TABLE usage_totals RENAME TO usage_totals_gone');
    try {
      await expect(rollUpUsage(parts)).rejects.toMatchObject({ code: '42P01' });
    } finally {
      await query(stores.databaseUrl, 'ALTER TABLE usage_totals_gone RENAME TO usage_totals');
    }
    expect(await countFlushes(redis)).toBe(3);
    expect(await rollUpUsage(parts)).toBe(3);
  });

  test('that a process brings to Postgres itself is set aside, too, and holds up none of its later ones', async () => {
    await whileRefused(async () => {
      const bad = usageFlush(usageMark(poison, at, { calls: 7 }));
      await countFlush(parts, bad);
      const [kept] = await keptAside();
      expect(kept).toMatchObject({ flushId: bad.id });
      expect(openFlush(flushStamps, bad.id, String(kept?.payload))).toEqual(bad.marks);
    });
  });
});

describe('control: the two ways that suggest themselves are wrong, when they are killed half-way', () => {
  const counter = 'naive:counter';
  const add = (line: string, calls: number) =>
    applyFlushes(db, [usageFlush(usageMark(line, at, { calls, cost: calls }))]);

  /** Takes the count out of Redis and then adds it. */
  async function getdelThenAdd(line: string, isKilled: boolean): Promise<void> {
    const calls = Number(await redis.getdel(counter));
    if (isKilled || calls === 0) return;
    await add(line, calls);
  }

  /**
   * Sets the count aside, adds it and then deletes it; what was set aside by a dead one is taken up
   * again.
   */
  async function renameAddDelete(line: string, isKilled: boolean): Promise<void> {
    await redis.renamenx(counter, `${counter}:aside`).catch(() => undefined);
    const calls = Number(await redis.get(`${counter}:aside`));
    if (calls > 0) await add(line, calls);
    if (!isKilled) await redis.del(`${counter}:aside`);
  }

  test('GETDEL and then adding loses what it had in its hands', async () => {
    const line = newLine();
    await redis.incrby(counter, 10);
    await getdelThenAdd(line, true);
    await getdelThenAdd(line, false);
    expect(await acceptedCalls(db, line)).toBe(0);
  });

  test('RENAME, adding and then deleting counts twice', async () => {
    const line = newLine();
    await redis.incrby(counter, 10);
    await renameAddDelete(line, true);
    await renameAddDelete(line, false);
    expect(await acceptedCalls(db, line)).toBe(20);
  });
});

import { randomBytes, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { pruneIdempotency } from '../../../src/usecases/upkeep/prune-idempotency.ts';
import { openStores } from '../../support/stores.ts';

const stores = await openStores();
const { db } = stores;
afterAll(() => stores.close());

async function answerOf(hoursAgo: number): Promise<Buffer> {
  const id = randomBytes(32);
  await sql`INSERT INTO idempotency_keys VALUES
    (${id}, ${randomBytes(32)}, ${randomBytes(64)}, now() - make_interval(mins => ${hoursAgo * 60}))`.execute(
    db,
  );
  return id;
}

async function flushOf(daysAgo: number): Promise<string> {
  const id = randomUUID();
  await sql`INSERT INTO usage_flushes VALUES (${id}, now() - make_interval(mins => ${daysAgo * 1_440}))`.execute(
    db,
  );
  return id;
}

test('answers past their day and flush ids past their week are dropped, the others are kept', async () => {
  await answerOf(24.1);
  const keptAnswer = await answerOf(23.9);
  await flushOf(7.1);
  const keptFlush = await flushOf(6.9);
  expect(await pruneIdempotency({ db })).toBe(2);
  const answers = await db.selectFrom('idempotency_keys').select('id').execute();
  const flushes = await db.selectFrom('usage_flushes').select('id').execute();
  expect(answers).toEqual([{ id: keptAnswer }]);
  expect(flushes).toEqual([{ id: keptFlush }]);
});

test('a second run, and several at once, find nothing left to do', async () => {
  await Promise.all([answerOf(30), answerOf(30), flushOf(30)]);
  const counts = await Promise.all(Array.from({ length: 4 }, () => pruneIdempotency({ db })));
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(3);
  expect(await pruneIdempotency({ db })).toBe(0);
});

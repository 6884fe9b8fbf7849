import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { deleteFlushesOlderThan } from '../../../src/stores/postgres/usage/flushes.ts';
import { openStores } from '../../support/stores.ts';

const stores = await openStores();
afterAll(() => stores.close());

test('a prune of many rows goes in transactions of ten thousand, and leaves what is not due', async () => {
  await sql`
    INSERT INTO usage_flushes (id, drained_at)
    SELECT gen_random_uuid(), now() - make_interval(days => CASE WHEN n <= 25000 THEN 8 ELSE 1 END)
    FROM generate_series(1, 25005) AS n`.execute(stores.db);
  const left: number[] = [];
  const observed = stores.observed(async (text, run) => {
    const result = await run();
    if (/DELETE FROM/.test(text)) {
      const { rows } = await sql<{ count: number }>`SELECT count(*) FROM usage_flushes`.execute(stores.db);
      left.push(rows[0]?.count ?? Number.NaN);
    }
    return result;
  });
  expect(await deleteFlushesOlderThan(observed, 7 * 86_400_000)).toBe(25_000);
  expect(left).toEqual([15_005, 5_005, 5]);
  expect(await deleteFlushesOlderThan(observed, 7 * 86_400_000)).toBe(0);
});

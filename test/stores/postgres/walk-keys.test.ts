import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { idFloor } from '../../../src/domain/ids.ts';
import type { KeyFilter } from '../../../src/stores/postgres/user-keys/user-keys.ts';
import { countKeys, findKeys } from '../../../src/stores/postgres/user-keys/walk-keys.ts';
import { query } from '../../support/query.ts';
import { openStores } from '../../support/stores.ts';

const stores = await openStores();
afterAll(() => stores.close());

const keysCount = 12_000;
const firstMs = Date.parse('2026-01-01T00:00:00Z');
const at = (index: number) => new Date(firstMs + index * 1_000);
const idOf = (index: number) => `${idFloor('key', at(index))}1${String(index).padStart(12, '0')}`;
const everybody: KeyFilter = { organizationIds: null, environments: null, now: new Date() };

/** One key a second. Each thousandth is in another organization; the oldest has an own scope. */
beforeAll(async () => {
  const ids = Array.from({ length: keysCount }, (_, index) => idOf(index));
  await query(
    stores.databaseUrl,
    `INSERT INTO api_keys (id, lineage_id, pepper_id, digest, key_prefix, user_id, organization_id, environment, metadata,
       scopes, created_at, updated_at)
     SELECT id, id, 'p1', convert_to(id, 'UTF8'), 'fl_user_test_x', 'usr_' || n,
       CASE WHEN n % 1000 = 1 THEN 'org_rare' ELSE 'org_1' END, 'test', '{}', CASE WHEN n = 1 THEN '{rare}' ELSE '{read}' END::text[],
       $2::timestamptz + (n - 1) * interval '1 s', now()
     FROM unnest($1::text[]) WITH ORDINALITY AS given (id, n)`,
    [ids, at(0)],
  );
  await query(stores.databaseUrl, 'VACUUM ANALYZE api_keys');
});

/** All pages of a filter, and how many there were. */
async function walk(filter: Partial<KeyFilter>, limit: number, budgetMs?: number) {
  const ids: string[] = [];
  const places: string[] = [];
  for (let before: string | undefined; ; ) {
    const { keys, next } = await findKeys(
      stores.db,
      { ...everybody, ...filter },
      { limit, before, budgetMs },
    );
    ids.push(...keys.map(({ id }) => id));
    if (next === undefined) return { ids, places };
    places.push(next);
    before = next;
  }
}

const allIds = Array.from({ length: keysCount }, (_, index) => idOf(index)).reverse();

describe('a filter that no index serves', () => {
  test('meets every key once, newest first, whatever the page and its time', async () => {
    expect((await walk({ neverUsed: true }, 5_000)).ids).toEqual(allIds);
    expect((await walk({ neverUsed: true }, 700, 0)).ids).toEqual(allIds);
  });

  test('finds the oldest key, over pages without a key when its time is up', async () => {
    const { ids, places } = await walk({ scope: 'rare' }, 10, 0);
    expect(ids).toEqual([idOf(0)]);
    expect(places.length).toBeGreaterThan(2);
    expect((await walk({ scope: 'rare' }, 10)).places).toEqual([]);
  });

  test('gives a place that is no key of anybody', async () => {
    const { places } = await walk({ scope: 'rare', organizationIds: ['org_rare'] }, 10, 0);
    expect(places.filter((place) => allIds.includes(place))).toEqual([]);
  });

  test('is walked within its organization and its times alone', async () => {
    const rare = await walk({ organizationId: 'org_rare', scope: 'read' }, 100, 0);
    expect([rare.ids.length, rare.places]).toEqual([11, []]);
    const between = { createdAfter: at(100), createdBefore: at(200), neverUsed: true };
    expect((await walk(between, 1_000)).ids).toEqual(allIds.slice(-200, -100));
  });
});

test('a count is that of all pages', async () => {
  const count = (filter: Partial<KeyFilter>) => countKeys(stores.db, { ...everybody, ...filter });
  expect(await count({})).toMatchObject({ count: keysCount });
  expect(await count({ scope: 'rare' })).toMatchObject({ count: 1 });
  expect(await count({ userId: 'usr_7' })).toMatchObject({ count: 1 });
  expect(await count({ createdBefore: at(50), organizationId: 'org_1' })).toMatchObject({ count: 49 });
  const [row] = await query(stores.databaseUrl, 'SELECT max(mint_number)::integer AS newest FROM api_keys');
  expect((await count({})).newestMintNumber).toBe(row?.newest);
});

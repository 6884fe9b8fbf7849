import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OrganizationPrincipal, PlatformPrincipal } from '../../../src/domain/principal.ts';
import { type ListApiKeysRequest, listApiKeys } from '../../../src/usecases/api-keys/list-api-keys.ts';
import type { ApiKeyPrincipal } from '../../../src/usecases/api-keys/within-reach.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { organization } from '../../support/platform-callers.ts';
import { withConnection } from '../../support/query.ts';

/**
 * More than one page may look at, so that what lies at the far end is found only by an index, or by
 * going on.
 */
const many = 36_000;
const states = ['revoked', 'expired', 'active'];

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
  await organization(broker, 'org_large');
  // On a connection whose statements may take as long as a busy machine needs.
  await withConnection(broker.config.DATABASE_URL, async (client) => {
    for (let from = 0; from < many; from += 2_000)
      await client.query(insertKeys, [from, from + 1_999, states]);
    await client.query('ANALYZE api_keys');
  });
});
afterAll(() => broker.close());

/**
 * Oldest first; each third of them in one state, and the oldest of each third with a name and a
 * scope of its own.
 */
const insertKeys = `
  INSERT INTO api_keys (id, kind, organization_id, lineage_id, user_id, environment, pepper_id, digest, key_prefix, key_suffix,
    name, name_key, metadata, scopes, status, expires_at, created_at, updated_at)
  SELECT id, 'tenant', 'org_large', id, id, 'default', 'p1', decode(md5(id), 'hex'), 'flkey_' || left(md5(id), 8), 'abcd',
    name, lower(name), '{}', CASE WHEN at % ${many / 3} = 0 THEN ARRAY['rare'] ELSE ARRAY['read'] END, status,
    CASE status WHEN 'expired' THEN now() END, now(), now()
  FROM (
    SELECT at, 'ak_' || lpad(at::text, 22, '0') AS id,
      CASE WHEN at % ${many / 3} = 0 THEN 'Zebra ' || at ELSE 'service ' || at END AS name,
      ($3::text[])[1 + at / ${many / 3}] AS status
    FROM generate_series($1::integer, $2::integer) AS at
  ) AS keys`;

const idAt = (at: number) => `ak_${String(at).padStart(22, '0')}`;
const [oldestRevoked, oldestExpired, oldestActive] = [0, many / 3, (2 * many) / 3].map(idAt);

const operator: PlatformPrincipal = {
  ...{ kind: 'platform_key', id: 'ak_test', name: 'test', roleIds: [], permissions: [] },
  ...{ sessionId: null, lacksSecondFactor: false, organizationIds: null, environments: null },
};
const tenant: OrganizationPrincipal = {
  ...{ kind: 'tenant_key', id: 'ak_test', name: 'test' },
  ...{ organizationId: 'org_large', impersonator: null },
};

async function page(principal: ApiKeyPrincipal, request: Partial<ListApiKeysRequest>) {
  const { items, next } = await listApiKeys(broker.api.parts, principal, { limit: 50, ...request });
  return { ids: items.map(({ apiKey }) => apiKey.id), next: next ?? null };
}

/** All pages after one another. */
async function walkAll(principal: ApiKeyPrincipal, request: Partial<ListApiKeysRequest>) {
  const ids: string[] = [];
  let pages = 0;
  let before: string | undefined;
  do {
    const { ids: more, next } = await page(principal, { ...request, before });
    ids.push(...more);
    pages += 1;
    before = next ?? undefined;
  } while (before !== undefined);
  return { ids, pages };
}

test.each<[string, Partial<ListApiKeysRequest>, (string | undefined)[]]>([
  ['a name', { name: 'zebra' }, [oldestActive, oldestExpired, oldestRevoked]],
  ['a name and a state', { name: 'ZEBRA', status: 'revoked' }, [oldestRevoked]],
  ['a scope', { scope: 'rare' }, [oldestActive, oldestExpired, oldestRevoked]],
  [
    'a scope and disuse',
    { scope: 'rare', unusedSince: new Date() },
    [oldestActive, oldestExpired, oldestRevoked],
  ],
])(
  'an operator finds the few keys with %s in one page, however many are newer',
  async (_what, request, ids) => {
    expect(await page(operator, request)).toEqual({ ids, next: null });
  },
);

test('a prefix is found in one page, by a tenant too', async () => {
  const { items } = await listApiKeys(broker.api.parts, operator, { name: 'zebra', limit: 100 });
  const oldest = items.at(-1)?.apiKey;
  for (const principal of [operator, tenant]) {
    const found = await page(principal, { prefix: oldest?.keyPrefix });
    expect(found).toEqual({ ids: [oldestRevoked], next: null });
  }
});

test('each state begins with its own newest keys, and its pages meet all of them', async () => {
  for (const [index, status] of (['revoked', 'expired', 'active'] as const).entries()) {
    const newest = ((index + 1) * many) / 3 - 1;
    for (const principal of [operator, tenant]) {
      const first = await page(principal, { status, limit: 2 });
      expect(first).toEqual({ ids: [newest, newest - 1].map(idAt), next: idAt(newest - 1) });
      const { ids } = await walkAll(principal, { status, limit: 100 });
      expect(ids).toHaveLength(many / 3);
      expect(new Set(ids).size).toBe(many / 3);
    }
  }
});

test('where no index helps, short pages lead on to every key that there is', async () => {
  const rare = { name: 'ze' };
  const short = await page(operator, rare);
  expect(short.ids).toEqual([oldestActive, oldestExpired]);
  expect(short.next).toBe(idAt(many - 30_000));
  for (const [principal, request] of [
    [operator, rare],
    [operator, { ...rare, organizationId: 'org_large' }],
    [tenant, rare],
    [tenant, { name: 'zebra' }],
    [tenant, { scope: 'rare' }],
  ] as const) {
    const { ids, pages } = await walkAll(principal, request);
    expect(ids).toEqual([oldestActive, oldestExpired, oldestRevoked]);
    expect(pages).toBeLessThanOrEqual(principal === operator && request === rare ? 2 : 9);
  }
});

test('a part of a name finds the same keys in the same order, however common it is', async () => {
  for (const name of [
    'service 1',
    'service 12',
    'service 120',
    'vice 1200',
    '9999',
    'e 35999',
    '77',
    'SERVICE 3',
    '12 ',
    'zzz',
  ]) {
    const { ids } = await walkAll(operator, { name });
    const expected = await withConnection(broker.config.DATABASE_URL, (client) =>
      client.query<{ ids: string[] }>(allNamed, [name.toLowerCase()]),
    );
    expect(ids).toEqual(expected.rows[0]?.ids);
  }
});

const allNamed = `
  SELECT coalesce(array_agg(id ORDER BY id DESC), '{}') AS ids FROM api_keys
  WHERE kind IN ('tenant', 'platform') AND position($1 IN name_key) > 0`;

test('of what is common the pages are full', async () => {
  for (const request of [{ name: 'service' }, { name: 'se' }, { scope: 'read' }, { prefix: 'flkey_' }]) {
    const { ids, next } = await page(operator, request);
    expect(ids).toHaveLength(50);
    expect(next).toBe(ids.at(-1));
  }
});

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import type { Answer } from '../../support/call.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import { keysPath, type Minted, mint, newOwner, refreshed, verify } from '../../support/keys.ts';
import { platformKey } from '../../support/platform-callers.ts';

const hidden = '/api/v1/platform/hidden-keys';

let broker: TestBroker;
let viewer: Awaited<ReturnType<typeof platformKey>>;
beforeAll(async () => {
  broker = await startBroker();
  viewer = await platformKey(broker, ['role_platform_viewer']);
});
afterAll(() => broker.close());

type Query = Record<string, string>;

/** Ids by the list of backends, after a look that the one of operators has the same. */
async function found(query: Query): Promise<string[]> {
  const text = new URLSearchParams(query);
  const answer = await broker.call(`GET ${keysPath}?${text}`);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  const ids = answer.body.data.map(({ key_id }: Minted) => key_id);
  const operators = await broker.call(`GET ${hidden}?${text}`, { as: null, headers: viewer.headers });
  expect(operators.body.map(({ key_id }: Minted) => key_id)).toEqual(ids);
  return ids;
}

const ids = (...keys: Minted[]) => keys.map(({ key_id }) => key_id);

/** Keys of one organization, oldest first, each some milliseconds after the one before. */
async function mintSeries(...bodies: object[]): Promise<{ org: Query; keys: Minted[] }> {
  const { organization_id } = newOwner();
  const keys: Minted[] = [];
  for (const body of bodies) {
    keys.push(await mint(broker, { organization_id, ...body }));
    await sleep(5);
  }
  return { org: { organization_id }, keys };
}

describe('422', () => {
  test.each([
    ['created_before', 'created_before=yesterday'],
    ['created_after', 'created_after=2026-13-01'],
    ['expires_before', 'expires_before='],
    ['unused_since', 'unused_since=90d'],
    ['never_used', 'never_used=1'],
    ['scope', 'scope=a%20b'],
    ['scope', 'scope=a&scope=b'],
    ['minted_by', 'minted_by=flk_0000000000000000000000'],
    ['prefix', 'prefix=fl_user_test_012345678'],
  ])('%s is refused in ?%s', async (path, query) => {
    expectViolations(await broker.call(`GET ${keysPath}?${query}`), path);
    expectViolations(
      await broker.call(`GET ${hidden}?${query}`, { as: null, headers: viewer.headers }),
      path,
    );
  });
});

describe('success', () => {
  test('created_before excludes its time, created_after includes it', async () => {
    const { org, keys } = await mintSeries({}, {}, {});
    const [first, second, third] = keys as [Minted, Minted, Minted];
    const at = second.created_at;
    expect(await found({ ...org, created_before: at })).toEqual(ids(first));
    expect(await found({ ...org, created_after: at })).toEqual(ids(third, second));
    expect(
      await found({ ...org, created_after: first.created_at, created_before: third.created_at }),
    ).toEqual(ids(second, first));
    expect(await found({ ...org, created_before: '2020-01-01' })).toEqual([]);
  });

  test('expires_before finds keys whose end comes first, and none without an end', async () => {
    const { org, keys } = await mintSeries({ ttl_seconds: 3_600 }, {}, { ttl_seconds: 86_400 });
    const soon = new Date(Date.now() + 7_200_000).toISOString();
    expect(await found({ ...org, expires_before: soon })).toEqual(ids(keys[0] as Minted));
  });

  test('scope is one of the scopes, and no part of one', async () => {
    const { org, keys } = await mintSeries({ scopes: ['read', 'write'] }, { scopes: ['read:all'] }, {});
    const [both, all] = keys as [Minted, Minted];
    expect(await found({ ...org, scope: 'read' })).toEqual(ids(both));
    expect(await found({ ...org, scope: 'read:all' })).toEqual(ids(all));
    expect(await found({ ...org, scope: 'admin' })).toEqual([]);
  });

  test('never_used and unused_since tell by the last accepted call, and count a line as one credential', async () => {
    const { org, keys } = await mintSeries({}, {}, {});
    const [used, refused, untouched] = keys as [Minted, Minted, Minted];
    await verify(broker, used.key);
    await verify(broker, refused.key, { environment: 'prod' });
    await broker.settleUsage();
    const successor = await refreshed(broker, used);
    expect(await found({ ...org, never_used: 'true' })).toEqual(ids(untouched, refused));
    expect(await found({ ...org, never_used: 'false' })).toEqual(ids(successor, used));
    const now = new Date(Date.now() + 1_000).toISOString();
    expect(await found({ ...org, unused_since: now })).toEqual(ids(successor, untouched, refused, used));
    const beforeUse = new Date(Date.parse(untouched.created_at) - 1).toISOString();
    // Younger keys had no time to be used in.
    expect(await found({ ...org, unused_since: beforeUse })).toEqual(ids(refused));
  });

  test('minted_by finds what a master key has issued, and the filters narrow together', async () => {
    const { organization_id } = newOwner();
    const { id, secret: as } = await broker.createMasterKey();
    const mine = await mint(broker, { organization_id, scopes: ['read'] }, { as });
    const other = await mint(broker, { organization_id }, { as });
    await mint(broker, { organization_id, scopes: ['read'] });
    expect((await found({ minted_by: id })).sort()).toEqual(ids(mine, other).sort());
    expect(await found({ minted_by: id, scope: 'read', never_used: 'true' })).toEqual(ids(mine));
    expect(await found({ minted_by: id, scope: 'read', user_id: other.user_id })).toEqual([]);
  });

  test('prefix finds a key for backends too', async () => {
    const { key_prefix, key_id } = await mint(broker);
    expect(await found({ prefix: key_prefix })).toEqual([key_id]);
    expect(await found({ prefix: key_prefix, scope: 'none' })).toEqual([]);
  });

  test('pages of a filter meet every key once, and allow-lists hold', async () => {
    const { org, keys } = await mintSeries(...Array.from({ length: 5 }, () => ({ scopes: ['paged'] })));
    await mint(broker, { scopes: ['paged'] });
    const { secret: as } = await broker.createMasterKey({ organizationIds: [org.organization_id ?? ''] });
    const met: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Answer = await broker.call(
        `GET ${keysPath}?scope=paged&limit=2${cursor && `&cursor=${cursor}`}`,
        { as },
      );
      met.push(...page.body.data.map(({ key_id }: Minted) => key_id));
      cursor = page.body.next_cursor;
    }
    expect(met).toEqual(ids(...keys).reverse());
  });
});

describe('as CSV', () => {
  const csv = (query: Query, options = {}) =>
    fetch(`${broker.url}${keysPath}?${new URLSearchParams(query)}`, {
      headers: { accept: 'text/csv', 'x-flowplate-master-key': broker.masterKey, ...options },
    });

  /** Good enough for cells without quotes. */
  const rowsOf = (text: string) =>
    text
      .trimEnd()
      .split('\r\n')
      .map((line) => line.split(','));

  test('every key of the filter comes in one file, with a header', async () => {
    const { org, keys } = await mintSeries({ scopes: ['read', 'write'] }, {}, {});
    const response = await csv({ ...org, limit: '1' });
    expect(response.headers.get('content-type')).toMatch(/^text\/csv/);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const [header = [], ...rows] = rowsOf(await response.text());
    const cell = (row: string[], name: string) => row[header.indexOf(name)];
    expect(rows.map((row) => cell(row, 'key_id'))).toEqual(ids(...keys).reverse());
    expect(cell(rows[2] ?? [], 'scopes')).toBe('read write');
    expect(cell(rows[2] ?? [], 'status')).toBe('active');
  });

  test('no cell begins like a formula', async () => {
    for (const name of ['=1+1', '+1', '-1', '@SUM(A1)']) {
      const { organization_id } = await mint(broker, { name });
      const text = await (await csv({ organization_id })).text();
      expect(text).toContain(`'${name}`);
      expect(text).not.toContain(`,${name}`);
    }
  });

  test('an empty filter is a header alone, and no secret is in the file', async () => {
    const { key, organization_id } = await mint(broker);
    expect((await (await csv({ organization_id })).text()).includes(key)).toBe(false);
    expect(rowsOf(await (await csv({ organization_id: 'org_nobody' })).text())).toHaveLength(1);
  });

  test('401, 406, 422: refused as JSON like the list', async () => {
    expect((await csv({}, { 'x-flowplate-master-key': '' })).status).toBe(401);
    expect((await csv({ scope: 'a b' })).status).toBe(422);
    const xml = await broker.call(`GET ${keysPath}`, { headers: { accept: 'text/xml' } });
    expectError(xml, 406, 'NOT_ACCEPTABLE');
  });

  test('operators get it too, and a caller who takes both gets JSON', async () => {
    const headers = { ...viewer.headers, accept: 'text/csv' };
    const response = await fetch(`${broker.url}${hidden}`, { headers });
    expect(await response.text()).toMatch(/^key_id,/);
    const both = await broker.call(`GET ${keysPath}`, { headers: { accept: 'application/json, text/csv' } });
    expect(both.body.data).toBeInstanceOf(Array);
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectViolations } from '../../support/errors.ts';
import { platformKey } from '../../support/platform-callers.ts';

const path = '/api/v1/platform/tenants';

let broker: TestBroker;
let headers: Record<string, string>;
beforeAll(async () => {
  broker = await startBroker();
  ({ headers } = await platformKey(broker, ['role_platform_viewer']));
});
afterAll(() => broker.close());

type Tenant = { id: string; name: string; status: string };

async function page(query: string | undefined): Promise<{ ids: string[]; next: string | undefined }> {
  const answer = await broker.call(`GET ${path}${query === undefined ? '' : `?${query}`}`, {
    as: null,
    headers,
  });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  const link = answer.headers.get('link') ?? undefined;
  const [, next] = /^<\/api\/v1\/platform\/tenants\?([^>]+)>; rel="next"$/.exec(link ?? '') ?? [];
  expect(next === undefined).toBe(link === undefined);
  return { ids: answer.body.map(({ id }: Tenant) => id), next };
}

/** Follows `Link` to the end. */
async function everything(query: string): Promise<string[]> {
  const ids: string[] = [];
  for (let next: string | undefined = query; next !== undefined; ) {
    const read = await page(next);
    ids.push(...read.ids);
    next = read.next;
  }
  return ids;
}

/**
 * Organizations whose ids sort against their age, as those of callers may, some of them of the same
 * millisecond.
 */
async function organizations(
  names: readonly string[],
  status = 'active',
  idPrefix = 'list',
): Promise<string[]> {
  const rows = names.map((name, index) => {
    const at = new Date(Date.UTC(2030, 0, 1) + Math.floor(index / 2));
    const id = `${idPrefix}-${String(names.length - index).padStart(3, '0')}`;
    return { id, name, status, created_at: at, updated_at: at };
  });
  await broker.db.insertInto('organizations').values(rows).execute();
  return rows
    .sort((a, b) => b.created_at.getTime() - a.created_at.getTime() || (a.id < b.id ? 1 : -1))
    .map(({ id }) => id);
}

describe('422', () => {
  test.each([
    ['limit', 'limit=0'],
    ['limit', 'limit=101'],
    ['status', 'status=gone'],
    ['name', 'name='],
    ['name', 'name=a%00b'],
    ['cursor', 'cursor=x'],
    ['cursor', `cursor=${cursor('1893456000000')}`],
    ['cursor', `cursor=${cursor('1893456000000 _platform')}`],
    ['cursor', `cursor=${cursor('-1 org_1')}`],
    ['cursor', `cursor=${cursor("1893456000000 x'; DROP TABLE organizations")}`],
    ['cursor', `cursor=${'a'.repeat(301)}`],
    ['', 'search=acme'],
  ])('%s is refused in ?%s', async (blamed, query) => {
    expectViolations(await broker.call(`GET ${path}?${query}`, { as: null, headers }), blamed);
  });
});

describe('success', () => {
  test('pages go newest first, meet every tenant once also when foreign ids sort otherwise, and end without a Link', async () => {
    const newestFirst = await organizations(Array.from({ length: 7 }, (_, index) => `Paged ${index}`));
    expect(await everything('name=Paged&limit=2')).toEqual(newestFirst);
    expect(await everything('name=Paged&limit=7')).toEqual(newestFirst);
    expect((await page('name=Paged&limit=7')).next).toBeUndefined();
  });

  test('a cursor stays good while tenants are added', async () => {
    const newestFirst = await organizations(['Stable 1', 'Stable 2', 'Stable 3', 'Stable 4'], 'active', 'b');
    const first = await page('name=Stable&limit=2');
    const newer = new Date(Date.UTC(2031, 0, 1));
    await broker.db
      .insertInto('organizations')
      .values({ id: 'a-newer', name: 'Stable 5', created_at: newer, updated_at: newer })
      .execute();
    const second = await page(first.next);
    expect([...first.ids, ...second.ids]).toEqual(newestFirst);
    expect(second.next).toBeUndefined();
  });

  test('a name is found by any part of it in any case, and no character of it is a wildcard', async () => {
    const [percent, backslash, plain] = (
      await organizations(['100% Ünder_score', 'Back\\slash', '100 Under-score'], 'active', 'c')
    ).sort((a, b) => (a < b ? 1 : -1)) as [string, string, string];
    const found = (name: string) => everything(new URLSearchParams({ name }).toString());
    expect(await found('%')).toEqual([percent]);
    expect(await found('_')).toEqual([percent]);
    expect(await found('0% üNDER_')).toEqual([percent]);
    expect(await found('\\')).toEqual([backslash]);
    expect(await found('UNDER-SCORE')).toEqual([plain]);
    expect(await found("'; --")).toEqual([]);
  });

  test('deleted ones are listed only when they are asked for, and the platform itself never', async () => {
    const [suspended] = await organizations(['Status s'], 'suspended', 's');
    const [deleted] = await organizations(['Status d'], 'deleted', 'd');
    expect(await everything('name=Status')).toEqual([suspended]);
    expect(await everything('status=suspended')).toEqual([suspended]);
    expect(await everything('status=deleted')).toEqual([deleted]);
    expect(await everything('status=active&name=Status')).toEqual([]);
    for (const query of ['limit=100', 'name=Platform', 'status=active']) {
      expect(await everything(query)).not.toContain('_platform');
    }
  });
});

function cursor(text: string): string {
  return Buffer.from(text, 'latin1').toString('base64url');
}

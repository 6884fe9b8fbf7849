import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expireDueKeys } from '../../../src/usecases/user-keys/expire-due-keys.ts';
import { testAccess } from '../../support/access.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectViolations } from '../../support/errors.ts';
import {
  getKey,
  keysPath,
  type Minted,
  mint,
  newOwner,
  refreshed,
  revoke,
  update,
} from '../../support/keys.ts';
import { secondMs, walkClock } from '../../support/walk-clock.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

type Page = { data: Array<{ key_id: string; status: string }>; next_cursor: string | null };

async function list(query: Record<string, string | number>, as?: string): Promise<Page> {
  const text = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  const answer = await broker.call(`GET ${keysPath}?${text}`, as === undefined ? {} : { as });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
}

const idsOf = (keys: ReadonlyArray<{ key_id: string }>) => keys.map(({ key_id }) => key_id);

/**
 * Keys of one user, each in an organization of its own and each a little later than the one before.
 */
async function mintSeveral(userId: string, count: number): Promise<Minted[]> {
  const minted: Minted[] = [];
  for (let index = 0; index < count; index++) {
    minted.push(await mint(broker, { user_id: userId }));
    await sleep(2);
  }
  return minted;
}

testAccess(() => broker, `GET ${keysPath}`, 'keys:read');

describe('422', () => {
  test.each([
    ['limit', 'limit=0'],
    ['limit', 'limit=101'],
    ['limit', 'limit=-1'],
    ['limit', 'limit=1.5'],
    ['limit', 'limit=ten'],
    ['limit', 'limit='],
    ['limit', 'limit=5&limit=6'],
    ['cursor', 'cursor='],
    ['cursor', 'cursor=not-a-cursor'],
    ['cursor', `cursor=${'a'.repeat(201)}`],
    ['cursor', `cursor=${Buffer.from('evt_0000000000000000000000').toString('base64url')}`],
    ['status', 'status=dead'],
    ['user_id', 'user_id=a%20b'],
    ['user_id', 'user_id=a&user_id=b'],
    ['organization_id', 'organization_id=verify'],
    ['environment', 'environment=PROD'],
    ['', 'user=usr_1'],
    ['', 'user_id[]=usr_1'],
  ])('%s is refused in ?%s', async (path, query) => {
    expectViolations(await broker.call(`GET ${keysPath}?${query}`), path);
  });
});

describe('success', () => {
  test('pages go newest first, meet every key once, and end with null', async () => {
    const { user_id } = newOwner();
    const minted = await mintSeveral(user_id, 5);
    const first = await list({ user_id, limit: 2 });
    const second = await list({ user_id, limit: 2, cursor: first.next_cursor ?? '' });
    const third = await list({ user_id, limit: 2, cursor: second.next_cursor ?? '' });
    expect(idsOf([...first.data, ...second.data, ...third.data])).toEqual(idsOf(minted).reverse());
    expect(third.next_cursor).toBeNull();
    expect((await list({ user_id, limit: 5 })).next_cursor).toBeNull();
  });

  test('a cursor stays good while keys are added and ended', async () => {
    const { user_id } = newOwner();
    const minted = await mintSeveral(user_id, 4);
    const first = await list({ user_id, limit: 2 });
    await mintSeveral(user_id, 3);
    await revoke(broker, first.data[1]?.key_id ?? '');
    const second = await list({ user_id, limit: 2, cursor: first.next_cursor ?? '' });
    expect(idsOf(second.data)).toEqual(idsOf(minted.slice(0, 2)).reverse());
    expect(second.next_cursor).toBeNull();
  });

  test('without a limit a page has 50 keys, with the greatest 100', async () => {
    const { organization_id } = newOwner();
    await Promise.all(Array.from({ length: 101 }, () => mint(broker, { organization_id })));
    const [usual, largest] = [await list({ organization_id }), await list({ organization_id, limit: 100 })];
    expect([usual.data.length, largest.data.length]).toEqual([50, 100]);
    const rest = await list({ organization_id, cursor: largest.next_cursor ?? '' });
    expect(rest).toMatchObject({ data: [{}], next_cursor: null });
    expect(new Set(idsOf([...largest.data, ...rest.data])).size).toBe(101);
  });

  test('filters narrow together, and an entry is what a look at that key alone shows', async () => {
    const owner = newOwner();
    const here = await mint(broker, owner);
    const prod = await mint(broker, { ...owner, environment: 'prod' });
    const elsewhere = await mint(broker, { user_id: owner.user_id, environment: 'prod' });
    const colleague = await mint(broker, { organization_id: owner.organization_id });
    const found = async (query: Record<string, string>) => idsOf((await list(query)).data).sort();
    const expected = (...keys: Minted[]) => idsOf(keys).sort();
    expect(await found({ user_id: owner.user_id })).toEqual(expected(here, prod, elsewhere));
    expect(await found({ organization_id: owner.organization_id })).toEqual(expected(here, prod, colleague));
    expect(await found(owner)).toEqual(expected(here, prod));
    expect(await found({ ...owner, environment: 'prod' })).toEqual(expected(prod));
    expect(await found({ ...owner, environment: 'stage' })).toEqual([]);
    const { data } = await list({ ...owner, environment: 'prod' });
    expect(data).toEqual([(await getKey(broker, prod.key_id)).body]);
  });

  test('a master key sees the keys that its allow-lists reach, and no others', async () => {
    const { user_id } = newOwner();
    const mine = await mint(broker, { user_id, environment: 'prod' });
    await mint(broker, { user_id, organization_id: mine.organization_id });
    await mint(broker, { user_id, environment: 'prod' });
    const { secret: as } = await broker.createMasterKey({
      organizationIds: [mine.organization_id, 'org_none'],
      environments: ['prod'],
    });
    expect(idsOf((await list({}, as)).data)).toEqual([mine.key_id]);
    expect(idsOf((await list({ user_id }, as)).data)).toEqual([mine.key_id]);
    const { secret: blind } = await broker.createMasterKey({ organizationIds: [] });
    expect(await list({}, blind)).toEqual({ data: [], next_cursor: null });
  });

  test('the status filter agrees with the status shown, before and after the sweep', async () => {
    const { user_id } = newOwner();
    const one = (body: object = {}) => mint(broker, { user_id, ...body });
    const superseded = async (grace: number, body: object = {}) => {
      const old = await one(body);
      return [old, await refreshed(broker, old, { grace_period_seconds: grace })];
    };
    await one();
    await revoke(broker, (await one()).key_id);
    for (const body of [{}, { ttl_seconds: 60 }])
      await update(broker, (await one(body)).key_id, { enabled: false });
    await one({ ttl_seconds: 60 });
    await superseded(3_600);
    await superseded(60);
    await superseded(60, { ttl_seconds: 60 });
    await superseded(3_600, { ttl_seconds: 60 });
    walkClock(broker, 120 * secondMs);
    const expected = { active: 3, disabled: 1, superseded: 1, revoked: 3, expired: 5 };
    const census = async () => {
      const { data } = await list({ user_id });
      for (const status of Object.keys(expected)) {
        const shown = data.filter((key) => key.status === status);
        expect(await list({ user_id, status })).toEqual({ data: shown, next_cursor: null });
      }
      return Object.fromEntries(
        Object.entries(Object.groupBy(data, (key) => key.status)).map(([name, keys]) => [name, keys?.length]),
      );
    };
    expect(await census()).toEqual(expected);
    // The sweep goes by the machines' own time, so the ends have to lie before that as well.
    const past = new Date(Date.now() - 120 * secondMs);
    await broker.db
      .updateTable('api_keys')
      .set({ expires_at: past })
      .where('expires_at', 'is not', null)
      .execute();
    expect(await expireDueKeys(broker.api.parts)).toBeGreaterThan(0);
    expect(await census()).toEqual(expected);
  });
});

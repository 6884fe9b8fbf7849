import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  apiKeysPath,
  callAs,
  created,
  type Headers,
  idsOf,
  inside,
  listApiKeys,
  revokeApiKey,
} from '../../support/api-keys.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectViolations } from '../../support/errors.ts';
import { mint, verify } from '../../support/keys.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';
import { hourMs, walkClock } from '../../support/walk-clock.ts';

let broker: TestBroker;
let operator: Awaited<ReturnType<typeof platformKey>>;
beforeAll(async () => {
  broker = await startBroker();
  operator = await platformKey(broker);
});
afterAll(() => broker.close());

const list = (headers: Headers, query: Record<string, string | number> = {}) =>
  listApiKeys(broker, headers, query);
const idsIn = async (headers: Headers, query: Record<string, string | number> = {}) =>
  idsOf((await list(headers, query)).data);

describe('422', () => {
  test.each([
    ['limit', 'limit=0'],
    ['limit', 'limit=101'],
    ['cursor', 'cursor='],
    ['cursor', 'cursor=not-a-cursor'],
    ['cursor', `cursor=${Buffer.from('flk_0000000000000000000000').toString('base64url')}`],
    ['cursor', `cursor=${Buffer.from("ak_0' OR true --").toString('base64url')}`],
    ['status', 'status=superseded'],
    ['platform', 'platform=yes'],
    ['unused_since', 'unused_since=yesterday'],
    ['name', 'name='],
    ['name', `name=${'a'.repeat(201)}`],
    ['name', 'name=%00'],
    ['prefix', 'prefix=flkey_%00'],
    ['scope', 'scope=%00'],
    ['organization_id', 'organization_id=_platform'],
    ['organization_id', 'organization_id=org_1&platform=true'],
    ['', 'environment=default'],
    ['', 'kind=user'],
  ])('%s is refused in ?%s', async (path, query) => {
    expectViolations(await callAs(broker, operator.headers, `GET ${apiKeysPath}?${query}`), path);
  });
});

describe('success', () => {
  test("a tenant sees its organization's own keys and no others, whatever it asks for", async () => {
    const tenant = await tenantKey(broker, 'org_own');
    const other = await tenantKey(broker, 'org_other');
    await mint(broker, { organization_id: 'org_own' });
    const own = [(await created(broker, tenant.headers)).id, tenant.id];
    for (const headers of [tenant.headers, inside('org_own', operator.headers)]) {
      expect(await idsIn(headers)).toEqual(own);
      expect(await idsIn(headers, { platform: 'true' })).toEqual([]);
      expect(await idsIn(headers, { platform: 'false' })).toEqual(own);
      expect(await idsIn(headers, { organization_id: 'org_other' })).toEqual([]);
      expect(await idsIn(headers, { organization_id: 'org_missing' })).toEqual([]);
      const theirs = (await list(other.headers)).data[0].prefix;
      expect(await idsIn(headers, { prefix: theirs })).toEqual([]);
    }
  });

  test('an operator in no organization sees tenant and platform keys, or either, or one tenant; never hidden ones', async () => {
    const tenant = await tenantKey(broker, 'org_seen');
    const hidden = await mint(broker, { organization_id: 'org_seen' });
    const all = await idsIn(operator.headers, { limit: 100 });
    expect(all).toContain(tenant.id);
    expect(all).toContain(operator.id);
    expect(all).not.toContain(hidden.key_id);
    const platform = await list(operator.headers, { platform: 'true' });
    expect(platform.data.every((key) => key.platform && key.organization_id === null)).toBe(true);
    expect(idsOf(platform.data)).toContain(operator.id);
    expect(await idsIn(operator.headers, { platform: 'false', limit: 100 })).not.toContain(operator.id);
    expect(await idsIn(operator.headers, { organization_id: 'org_seen' })).toEqual([tenant.id]);
  });

  test('pages go newest first and meet every key once, also while keys are added', async () => {
    const tenant = await tenantKey(broker, 'org_pages');
    const made: string[] = [tenant.id];
    for (let index = 0; index < 4; index++) made.unshift((await created(broker, tenant.headers)).id);
    // Keys of one millisecond have no order in time, only one by their ids.
    const expected = [...made].sort().reverse();
    const first = await list(tenant.headers, { limit: 2 });
    await created(broker, tenant.headers);
    const second = await list(tenant.headers, { limit: 2, cursor: first.next_cursor ?? '' });
    const third = await list(tenant.headers, { limit: 2, cursor: second.next_cursor ?? '' });
    expect(idsOf([...first.data, ...second.data, ...third.data])).toEqual(expected);
    expect(third.next_cursor).toBeNull();
  });

  test('a name is found in any case and Unicode form, and wildcards are literal', async () => {
    const { headers } = await tenantKey(broker, 'org_names', { name: 'first' });
    const byName: Record<string, string> = {};
    for (const name of [
      '100% Übermut',
      '100 percent',
      'snake_case',
      'snakeXcase',
      'back\\slash',
      'ＷＩＤＥ',
      'ab',
    ]) {
      byName[name] = (await created(broker, headers, { name })).id;
    }
    const found = async (name: string) => (await list(headers, { name })).data.map((key) => key.name).sort();
    expect(await found('%')).toEqual(['100% Übermut']);
    expect(await found('0% ü')).toEqual(['100% Übermut']);
    expect(await found('U\u0308BERMUT')).toEqual(['100% Übermut']);
    expect(await found('snake_')).toEqual(['snake_case']);
    expect(await found('SNAKE')).toEqual(['snakeXcase', 'snake_case']);
    expect(await found('k\\s')).toEqual(['back\\slash']);
    expect(await found('wide')).toEqual(['ＷＩＤＥ']);
    expect(await found('ab')).toEqual(['ab']);
    expect(await found('no such name')).toEqual([]);
  });

  test('prefix, scope and status narrow, also together', async () => {
    const { headers } = await tenantKey(broker, 'org_narrow', { scopes: ['admin'] });
    const read = await created(broker, headers, { scopes: ['read'] });
    const both = await created(broker, headers, { scopes: ['read', 'x:y'] });
    const late = await created(broker, headers, { expires_at: new Date(Date.now() + hourMs).toISOString() });
    await revokeApiKey(broker, headers, read.id);
    expect(await idsIn(headers, { prefix: both.prefix })).toEqual([both.id]);
    expect(await idsIn(headers, { prefix: both.prefix.slice(0, -2) })).toEqual([both.id]);
    expect(await idsIn(headers, { prefix: 'flkey%' })).toEqual([]);
    expect(await idsIn(headers, { suffix: both.key.slice(-4) })).toEqual([both.id]);
    expect(await idsIn(headers, { suffix: both.key.slice(-3) })).toEqual([]);
    expect(await idsIn(headers, { scope: 'read' })).toEqual([both.id, read.id].sort().reverse());
    expect(await idsIn(headers, { scope: 'rea' })).toEqual([]);
    expect(await idsIn(headers, { scope: 'read', status: 'active' })).toEqual([both.id]);
    expect(await idsIn(headers, { status: 'revoked' })).toEqual([read.id]);
    expect(await idsIn(headers, { status: 'disabled' })).toEqual([]);
    walkClock(broker, 2 * hourMs);
    expect(await idsIn(headers, { status: 'expired' })).toEqual([late.id]);
    expect(await idsIn(headers, { status: 'active' })).not.toContain(late.id);
    expect((await list(headers, { status: 'expired' })).data[0].status).toBe('expired');
    await broker.db.updateTable('api_keys').set({ enabled: false }).where('id', '=', both.id).execute();
    expect(await idsIn(headers, { status: 'disabled' })).toEqual([both.id]);
  });

  test('unused since: keys that were never used, or not since then', async () => {
    const { headers } = await tenantKey(broker, 'org_unused');
    const used = await created(broker, headers);
    const never = await created(broker, headers);
    await verify(broker, used.key);
    await broker.settleUsage();
    const long = new Date(Date.now() - hourMs).toISOString();
    const soon = new Date(Date.now() + hourMs).toISOString();
    expect(await idsIn(headers, { unused_since: long })).toEqual([never.id]);
    expect(await idsIn(headers, { unused_since: long, status: 'revoked' })).toEqual([]);
    expect(await idsIn(headers, { unused_since: soon })).toContain(used.id);
    const shown = (await list(headers)).data.find(({ id }) => id === used.id);
    expect(shown).toMatchObject({
      last_used_at: expect.any(String),
      usage: { total_requests: 1, requests_today: 1 },
    });
  });

  test('an item is masked and complete', async () => {
    const tenant = await tenantKey(broker, 'org_item', {
      name: 'item',
      description: 'd',
      scopes: ['admin', 'x'],
    });
    const [item] = (await list(tenant.headers)).data;
    expect(item).toStrictEqual({
      id: tenant.id,
      name: 'item',
      description: 'd',
      key_masked: `${tenant.secret.slice(0, 14)}…${tenant.secret.slice(-4)}`,
      prefix: tenant.secret.slice(0, 14),
      suffix: tenant.secret.slice(-4),
      platform: false,
      scopes: ['admin', 'x'],
      role_ids: [],
      environment: 'default',
      organization_id: 'org_item',
      status: 'active',
      expires_at: null,
      revoked_at: null,
      revoked_reason: null,
      created_at: expect.any(String),
      updated_at: expect.any(String),
      last_used_at: null,
      usage: {
        total_requests: 0,
        refused_requests: 0,
        requests_today: 0,
        first_used_at: null,
        last_used_at: null,
        last_reset: expect.any(String),
      },
    });
  });
});

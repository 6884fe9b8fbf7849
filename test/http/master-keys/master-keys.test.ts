import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { masterKeyPermissions } from '../../../src/domain/permission.ts';
import { foldKeyCounts } from '../../../src/usecases/upkeep/fold-key-counts.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import type { Answer } from '../../support/call.ts';
import { bytesOf, expectError, expectViolations } from '../../support/errors.ts';
import { expectReplay, newIdempotencyKey } from '../../support/idempotency.ts';
import { insist } from '../../support/insist.ts';
import { keysPath, mint, newOwner, refreshed, verify } from '../../support/keys.ts';
import { testOperatorAccess } from '../../support/platform-access.ts';
import { platformKey } from '../../support/platform-callers.ts';
import { secondMs, walkClock } from '../../support/walk-clock.ts';

const path = '/api/v1/platform/master-keys';
const missing = 'flm_0000000000000000000000';

let broker: TestBroker;
let replica: TestBroker;
let operator: Awaited<ReturnType<typeof platformKey>>;
beforeAll(async () => {
  broker = await startBroker();
  replica = await broker.replica();
  operator = await platformKey(broker);
});
afterAll(async () => {
  await replica.close();
  await broker.close();
});

const call = (operation: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  broker.call(operation, {
    as: null,
    headers: { ...operator.headers, ...headers },
    ...(body !== undefined && { body }),
  });

async function created(body: object = {}) {
  const answer = await call(`POST ${path}`, { name: 'backend', ...body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return answer.body;
}

const statusWith = async (key: string, at = broker) => (await at.call(`GET ${keysPath}`, { as: key })).status;
const show = async (id: string) => (await call(`GET ${path}/${id}`)).body;

describe.each([
  `GET ${path}`,
  `POST ${path}`,
  `GET ${path}/${missing}`,
  `PATCH ${path}/${missing}`,
  `GET ${path}/${missing}/organizations`,
  `POST ${path}/${missing}/rotate`,
  `POST ${path}/${missing}/revoke`,
])('%s', (operation) => {
  testOperatorAccess(() => broker, operation, {
    may: 'role_platform_admin',
    mayNot: 'role_platform_operator',
  });
});

describe('404', () => {
  test('one that never was is not found; one that has ended is still to be seen, but has no successor', async () => {
    for (const [operation, body] of [
      [`GET ${path}/${missing}`],
      [`GET ${path}/${missing}/organizations`],
      [`PATCH ${path}/${missing}`, { living_keys_max: 5 }],
      [`POST ${path}/${missing}/rotate`, {}],
      [`POST ${path}/${missing}/revoke`, {}],
    ] as const) {
      expectError(await call(operation, body), 404, 'MASTER_KEY_NOT_FOUND');
    }
    const { id } = await created();
    await call(`POST ${path}/${id}/revoke`);
    const rotated = await call(`POST ${path}/${id}/rotate`, {});
    expect(bytesOf(rotated)).toBe(bytesOf(await call(`POST ${path}/${missing}/rotate`, {})));
    expect(await show(id)).toMatchObject({ id, revoked_at: expect.any(String) });
  });
});

describe('422', () => {
  test.each([
    ['name', {}],
    ['permissions', { name: 'x', permissions: [] }],
    ['permissions.0', { name: 'x', permissions: ['keys:*'] }],
    ['permissions.0', { name: 'x', permissions: ['platform:users:manage'] }],
    ['organization_ids', { name: 'x', organization_ids: [] }],
    ['organization_ids.0', { name: 'x', organization_ids: ['a b'] }],
    ['organization_ids', { name: 'x', organization_ids: 'org_1' }],
    ['environments.0', { name: 'x', environments: ['PROD'] }],
    ['ip_allowlist.0', { name: 'x', ip_allowlist: ['everywhere'] }],
    ['ip_allowlist.0', { name: 'x', ip_allowlist: ['fe80::1%eth0'] }],
    ['ip_allowlist.0', { name: 'x', ip_allowlist: ['10.0.0.0/08'] }],
    ['expires_at', { name: 'x', expires_at: '2020-01-01T00:00:00Z' }],
    ['expires_at', { name: 'x', expires_at: 'tomorrow' }],
    ['', { name: 'x', key: 'a secret that somebody chose for themselves' }],
    ['', { name: 'x', secret: 'a secret that somebody chose for themselves' }],
    ['', { name: 'x', revision: 2 }],
    ['', { name: 'x', password_hash: '$argon2id$' }],
  ])('a new one blames %j for %j', async (blamed, body) => {
    expectViolations(await call(`POST ${path}`, body), blamed);
  });

  test('an overlap is a number of seconds, up to a month', async () => {
    const { id } = await created();
    for (const overlap_seconds of [-1, 2_678_401, 1.5, '60', null]) {
      expectViolations(await call(`POST ${path}/${id}/rotate`, { overlap_seconds }), 'overlap_seconds');
    }
  });
});

describe('creating', () => {
  test('answers with the secret once, and with all that was set', async () => {
    const rights = {
      permissions: ['keys:mint', 'keys:read'],
      organization_ids: ['org_1'],
      environments: ['prod'],
      ip_allowlist: ['10.0.0.0/8'],
      expires_at: '2040-01-01T00:00:00.000Z',
      mint_quota: { limit: 100, period: 'hour' },
      living_keys_max: 5_000,
      key_age_seconds_max: 7_776_000,
    };
    const answer = await call(`POST ${path}`, { name: 'backend', ...rights });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const { key, ...rest } = answer.body;
    expect(key).toMatch(/^fl_master_test_[0-9A-Za-z]{46}$/);
    expect(rest).toStrictEqual({
      id: expect.stringMatching(/^flm_[0-9A-Za-z]{22}$/),
      name: 'backend',
      key_prefix: key.slice(0, 'fl_master_test_'.length + 8),
      certificate: null,
      workload_token: null,
      ...rights,
      status: 'active',
      revoked_reason: null,
      revoked_at: null,
      created_at: expect.any(String),
      last_used_at: null,
      living_count: 0,
      minted_count: 0,
    });
    expect(await show(rest.id)).toEqual(rest);
    expect((await call(`GET ${path}`)).body[0]).toEqual(rest);
    expect(await auditEventsOf(broker, { targetId: rest.id })).toMatchObject([
      { event_type: 'master_key.created', actor_kind: 'platform_key', actor_id: operator.id },
    ]);
  });

  test('what is not set is not limited', async () => {
    const { key, ...rest } = await created();
    expect(rest).toMatchObject({
      permissions: masterKeyPermissions,
      organization_ids: null,
      environments: null,
      ip_allowlist: null,
      expires_at: null,
      mint_quota: null,
      living_keys_max: null,
      key_age_seconds_max: null,
    });
    expect(await statusWith(key)).toBe(200);
  });

  test('repeated under one Idempotency-Key it is the same master key, byte for byte, and another body is refused', async () => {
    const headers = { 'idempotency-key': newIdempotencyKey() };
    const first = await call(`POST ${path}`, { name: 'once' }, headers);
    expectReplay(await call(`POST ${path}`, { name: 'once' }, headers), first);
    await call(`POST ${path}/${first.body.id}/revoke`);
    expectReplay(await call(`POST ${path}`, { name: 'once' }, headers), first);
    expectError(await call(`POST ${path}`, { name: 'two' }, headers), 422, 'IDEMPOTENCY_KEY_REUSED');
  });

  test('ten copies of one request make one master key', async () => {
    const headers = { 'idempotency-key': newIdempotencyKey() };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => insist(() => call(`POST ${path}`, { name: 'copies' }, headers))),
    );
    expect(new Set(answers.map(({ body }) => body.key)).size).toBe(1);
    const rows = broker.db.selectFrom('master_keys').select('id').where('name', '=', 'copies');
    expect(await rows.execute()).toHaveLength(1);
  });
});

describe('rotating', () => {
  test('the successor has a new id and the same rights; the old one goes on until the overlap is over', async () => {
    const old = await created({ permissions: ['keys:read'], organization_ids: ['org_1'] });
    const answer = await call(`POST ${path}/${old.id}/rotate`, { overlap_seconds: 60 });
    expect(answer.status).toBe(200);
    const { key, id, ...rest } = answer.body;
    expect(id).not.toBe(old.id);
    expect(rest).toMatchObject({
      name: 'backend',
      permissions: ['keys:read'],
      organization_ids: ['org_1'],
      previous_id: old.id,
      propagation: 'complete',
    });
    expect([await statusWith(old.key), await statusWith(key)]).toEqual([200, 200]);
    walkClock(broker, 60 * secondMs);
    expect([await statusWith(old.key), await statusWith(key)]).toEqual([401, 200]);
  });

  test('without an overlap the old one is refused by every process at once; a day is the default', async () => {
    const old = await created();
    for (const at of [broker, replica]) expect(await statusWith(old.key, at)).toBe(200);
    const { body } = await call(`POST ${path}/${old.id}/rotate`, { overlap_seconds: 0 });
    for (const at of [broker, replica]) {
      expect([await statusWith(old.key, at), await statusWith(body.key, at)]).toEqual([401, 200]);
    }
    const rotatedAt = Date.now();
    await call(`POST ${path}/${body.id}/rotate`);
    const { expires_at } = await show(body.id);
    expect(Math.abs(Date.parse(expires_at) - rotatedAt - 86_400 * secondMs)).toBeLessThan(60 * secondMs);
  });

  test('repeated under one Idempotency-Key there is one successor', async () => {
    const { id } = await created();
    const headers = { 'idempotency-key': newIdempotencyKey() };
    const rotate = () => call(`POST ${path}/${id}/rotate`, { overlap_seconds: 60 }, headers);
    const first = await rotate();
    const again = await rotate();
    const stable = ({ body: { propagation_detail: _, ...body } }: Answer) => body;
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(stable(again)).toEqual(stable(first));
    const events = await auditEventsOf(broker, { targetId: id });
    expect(events.filter(({ event_type }) => event_type === 'master_key.rotated')).toHaveLength(1);
  });
});

describe('revoking', () => {
  test('it is refused by every process at once, the keys that it minted go on, and again is a success', async () => {
    const { id, key } = await created();
    const minted = await mint(broker, {}, { as: key });
    for (const at of [broker, replica]) expect(await statusWith(key, at)).toBe(200);
    const answer = await call(`POST ${path}/${id}/revoke`);
    expect(answer.status).toBe(200);
    expect(answer.body).toStrictEqual({
      success: true,
      message: expect.any(String),
      propagation: 'complete',
      propagation_detail: expect.objectContaining({ total: 2 }),
    });
    for (const at of [broker, replica]) expect(await statusWith(key, at)).toBe(401);
    expect((await verify(broker, minted.key)).code).toBe('VALID');
    expect((await call(`POST ${path}/${id}/revoke`)).status).toBe(200);
    const events = await auditEventsOf(broker, { targetId: id });
    expect(events.map(({ event_type }) => event_type)).toEqual(['master_key.created', 'master_key.revoked']);
  });
});

describe('bounds', () => {
  const patch = (id: string, body: object) => call(`PATCH ${path}/${id}`, body);
  const tryMint = async (as: string, at = broker) =>
    (await insist(() => at.call(`POST ${keysPath}`, { as, body: newOwner() }))).status;

  test.each([
    ['mint_quota.limit', { mint_quota: { limit: 0, period: 'day' } }],
    ['mint_quota.period', { mint_quota: { limit: 1, period: 'month' } }],
    ['living_keys_max', { living_keys_max: -1 }],
    ['', { name: 'other' }],
  ])('422: %s is refused in %j', async (blamed, body) => {
    const { id } = await created();
    expectViolations(await patch(id, body), blamed);
  });

  test('a change holds for the next mint on every replica; what is not named stays, and null removes', async () => {
    const { id, key } = await created({ living_keys_max: 100 });
    expect(await tryMint(key)).toBe(201);
    const changed = await patch(id, { mint_quota: { limit: 1, period: 'day' } });
    expect(changed.body).toMatchObject({ mint_quota: { limit: 1, period: 'day' }, living_keys_max: 100 });
    expect([await tryMint(key, replica), await tryMint(key)]).toEqual([201, 429]);
    await patch(id, { mint_quota: null, living_keys_max: 2 });
    expect(await tryMint(key, replica)).toBe(403);
    await patch(id, { living_keys_max: null });
    expect(await tryMint(key)).toBe(201);
    expect(await show(id)).toMatchObject({ mint_quota: null, living_keys_max: null, living_count: 3 });
    expect((await auditEventsOf(broker, { targetId: id })).map(({ event_type }) => event_type)).toEqual([
      'master_key.created',
      'master_key.updated',
      'master_key.mint_quota.reached',
      'master_key.mint_quota.reached',
      'master_key.updated',
      'master_key.updated',
    ]);
  });

  test('a new period begins with the whole quota, and a rotation with what is left of it', async () => {
    const { id, key } = await created({ mint_quota: { limit: 2, period: 'day' } });
    expect([await tryMint(key), await tryMint(key), await tryMint(key)]).toEqual([201, 201, 429]);
    await broker.db
      .updateTable('master_key_bounds')
      .set({ period_start: new Date(0) })
      .execute();
    expect([await tryMint(key), await tryMint(key, replica), await tryMint(key)]).toEqual([201, 201, 429]);
    const successor = (await call(`POST ${path}/${id}/rotate`, {})).body;
    expect(successor.mint_quota).toEqual({ limit: 2, period: 'day' });
    expect(await tryMint(successor.key)).toBe(429);
    expectError(await patch(missing, { living_keys_max: 5 }), 404, 'MASTER_KEY_NOT_FOUND');
  });

  test('a mint of others is not bounded by it, also in the same statement', async () => {
    const [bounded, free] = [await created({ living_keys_max: 3 }), await created()];
    const statuses = await Promise.all(
      Array.from({ length: 20 }, (_, index) => tryMint(index % 2 === 0 ? bounded.key : free.key)),
    );
    expect(statuses.filter((_, index) => index % 2 === 1)).toEqual(Array(10).fill(201));
    expect(statuses.filter((status) => status === 403)).toHaveLength(7);
  });
});

describe('the tree of what it minted', () => {
  test('goes from the master key over organizations to keys, with counts before and after a fold', async () => {
    const [{ id, key: as }, other] = [await created(), await created()];
    const [small, large] = [newOwner(), newOwner()].map(({ organization_id }) => organization_id);
    const inSmall = await mint(broker, { organization_id: small }, { as });
    for (let time = 0; time < 3; time++) await mint(broker, { organization_id: large }, { as });
    await mint(broker, { organization_id: large }, { as: other.key });
    await broker.call(`DELETE ${keysPath}/${inSmall.key_id}`);
    const tree = async (query = '') => (await call(`GET ${path}/${id}/organizations${query}`)).body;
    const expected = [
      { organization_id: small, living_count: 0, total_count: 1 },
      { organization_id: large, living_count: 3, total_count: 3 },
    ].sort((one, two) => ((one.organization_id ?? '') < (two.organization_id ?? '') ? -1 : 1));
    expect(await tree()).toEqual(expected);
    expect(await foldKeyCounts(broker.api.parts)).toBeGreaterThan(0);
    expect(await tree()).toEqual(expected);
    const first = await call(`GET ${path}/${id}/organizations?limit=1`);
    const [, next] = /^<([^>]+)>; rel="next"$/.exec(first.headers.get('link') ?? '') ?? [];
    expect([...first.body, ...(await call(`GET ${next}`)).body]).toEqual(expected);
    expectViolations(await call(`GET ${path}/${id}/organizations?cursor=%20`), 'cursor');
    for (const [route, headers] of [
      [keysPath, undefined],
      ['/api/v1/platform/hidden-keys', operator.headers],
    ] as const) {
      const query = `?minted_by=${id}&organization_id=${large}`;
      const answer = await broker.call(`GET ${route}${query}`, headers && { as: null, headers });
      const keys = answer.body.data ?? answer.body;
      expect(keys.map(({ minted_by }: { minted_by: string }) => minted_by)).toEqual([id, id, id]);
      expectViolations(
        await broker.call(`GET ${route}?minted_by=flm_1`, headers && { as: null, headers }),
        'minted_by',
      );
    }
  });
});

describe('looking', () => {
  test('minted_count counts what was minted, alone, at once and under an Idempotency-Key, and no refresh or refusal', async () => {
    const [{ id, key: as }, other] = [await created(), await created()];
    const minted = await mint(broker, {}, { as });
    await refreshed(broker, minted);
    const again = { user_id: minted.user_id, organization_id: minted.organization_id };
    expect((await broker.call(`POST ${keysPath}`, { as, body: again })).status).toBe(409);
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        mint(broker, newOwner(), { as: index % 4 === 0 ? other.key : as }),
      ),
    );
    const headers = { 'idempotency-key': newIdempotencyKey() };
    const body = newOwner();
    for (let time = 0; time < 2; time++) await broker.call(`POST ${keysPath}`, { as, headers, body });
    expect((await show(id)).minted_count).toBe(1 + 15 + 1);
    const listed = (await call(`GET ${path}?limit=100`)).body;
    const counts = new Map(
      listed.map((shown: { id: string; minted_count: number }) => [shown.id, shown.minted_count]),
    );
    expect([counts.get(id), counts.get(other.id)]).toEqual([17, 5]);
  });

  test('last_used_at says when it was last let in, by whichever process, and a refused secret leaves it', async () => {
    const { id, key } = await created();
    await statusWith(`${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`);
    await broker.api.flushUsage();
    expect((await show(id)).last_used_at).toBeNull();
    for (const at of [broker, replica]) {
      const askedAt = (await show(id)).last_used_at ?? '';
      expect(await statusWith(key, at)).toBe(200);
      await at.api.flushUsage();
      expect((await show(id)).last_used_at > askedAt).toBe(true);
    }
  });

  test('a list can be narrowed to a part of the name, in any case and without wildcards, and to a status', async () => {
    const [active, revoked, expired] = [
      await created({ name: 'Narrow 100% active' }),
      await created({ name: 'Narrow revoked' }),
      await created({ name: 'Narrow expired', expires_at: new Date(Date.now() + 3_600_000).toISOString() }),
    ];
    await call(`POST ${path}/${revoked.id}/revoke`);
    const listed = async (query: string) =>
      (await call(`GET ${path}?${query}`)).body.map(({ id, status }: Record<string, string>) => [id, status]);
    expect(await listed('name=NARROW%20100%25')).toEqual([[active.id, 'active']]);
    expect(await listed('name=n%25w')).toEqual([]);
    expect(await listed('name=narrow&status=revoked')).toEqual([[revoked.id, 'revoked']]);
    expect(await listed('name=narrow&status=active')).toEqual([
      [expired.id, 'active'],
      [active.id, 'active'],
    ]);
    walkClock(broker, 3_600 * secondMs);
    expect(await listed('name=narrow&status=expired')).toEqual([[expired.id, 'expired']]);
    const first = await call(`GET ${path}?name=narrow&limit=1`);
    expect(first.headers.get('link')).toContain('name=narrow');
    expectViolations(await call(`GET ${path}?status=lost`), 'status');
  });

  test('pages go newest first and end without a Link; no secret is in them', async () => {
    const made = [await created(), await created(), await created()];
    const first = await call(`GET ${path}?limit=2`);
    const [, next] = /^<([^>]+)>; rel="next"$/.exec(first.headers.get('link') ?? '') ?? [];
    const second = await call(`GET ${next}`);
    const ids = [...first.body, ...second.body].map(({ id }) => id);
    expect(ids.slice(0, 3)).toEqual(made.map(({ id }) => id).reverse());
    const all = await call(`GET ${path}?limit=100`);
    expect(all.headers.get('link')).toBeNull();
    for (const { key } of made) expect(JSON.stringify(all.body)).not.toContain(key.slice(-38));
    expectViolations(
      await call(`GET ${path}?cursor=${Buffer.from('flk_x').toString('base64url')}`),
      'cursor',
    );
  });
});

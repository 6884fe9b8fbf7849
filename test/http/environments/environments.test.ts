import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import type { Answer } from '../../support/call.ts';
import { bytesOf, expectError, expectViolations } from '../../support/errors.ts';
import { mint, newOwner, refreshed, revoke } from '../../support/keys.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';
import { secondMs, walkClock } from '../../support/walk-clock.ts';

const path = '/api/v1/environments';
const missing = 'env_0000000000000000000000';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

type Headers = Record<string, string>;
const call = (operation: string, headers: Headers, body?: unknown): Promise<Answer> =>
  broker.call(operation, { as: null, headers, ...(body !== undefined && { body }) });

/** A tenant of the test's own, and how to act in it. */
async function tenant() {
  const { organization_id: organizationId } = newOwner();
  const { id: keyId, headers } = await tenantKey(broker, organizationId);
  return {
    organizationId,
    keyId,
    headers,
    create: async (name: string): Promise<string> => {
      const answer = await call(`POST ${path}`, headers, { name });
      expect(answer.status, JSON.stringify(answer.body)).toBe(201);
      return answer.body.id;
    },
    names: async (): Promise<string[]> =>
      (await call(`GET ${path}`, headers)).body.data.map(({ name }: { name: string }) => name),
    remove: (id: string) => call(`DELETE ${path}/${id}`, headers),
    mint: (environment: string, more: object = {}) =>
      mint(broker, { organization_id: organizationId, environment, ...more }),
  };
}

describe('401 and 403', () => {
  test.each([
    [`GET ${path}`, ['read', 'write', 'admin']],
    [`POST ${path}`, ['admin']],
    [`DELETE ${path}/${missing}`, ['admin']],
  ])('%s takes a key of the tenant with one of the scopes %j, and no other', async (operation, enough) => {
    expectError(await call(operation, {}), 401, 'AUTHENTICATION_REQUIRED');
    for (const scope of ['read', 'write', 'admin', 'other']) {
      const { headers, id } = await tenantKey(broker, 'org_of_scopes', { scopes: [scope] });
      const answer = await call(operation, headers);
      if (enough.includes(scope)) {
        expect([401, 403]).not.toContain(answer.status);
        continue;
      }
      expectError(answer, 403, 'INSUFFICIENT_PERMISSIONS');
      const refusals = broker.db.selectFrom('audit_events').select('result').where('actor_id', '=', id);
      expect(await refusals.execute()).toEqual([{ result: 'refused' }]);
    }
  });

  test('keys of users and backends are no keys of a tenant; an operator has to say in which one', async () => {
    const { key } = await mint(broker);
    for (const secret of [key, broker.masterKey]) {
      const refused = await call(`GET ${path}`, { authorization: `Bearer ${secret}` });
      expectError(refused, 401, 'AUTHENTICATION_REQUIRED');
    }
    const { headers } = await platformKey(broker);
    expectViolations(await call(`GET ${path}`, headers), 'X-Flowplate-Org');
  });
});

describe('404', () => {
  test("another tenant's environment looks exactly like none, and stays", async () => {
    const [mine, theirs] = [await tenant(), await tenant()];
    const id = await theirs.create('prod');
    const refused = await mine.remove(missing);
    expectError(refused, 404, 'ENVIRONMENT_NOT_FOUND');
    expect(bytesOf(await mine.remove(id))).toBe(bytesOf(refused));
    expect(await theirs.names()).toContain('prod');
  });
});

describe('409', () => {
  test('a name is unique in its organization, and only there; of ten at once one is made', async () => {
    const [mine, theirs] = [await tenant(), await tenant()];
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => call(`POST ${path}`, mine.headers, { name: 'prod' })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)]);
    expectError(
      await call(`POST ${path}`, mine.headers, { name: 'prod' }),
      409,
      'ENVIRONMENT_ALREADY_EXISTS',
    );
    expectError(
      await call(`POST ${path}`, mine.headers, { name: 'default' }),
      409,
      'ENVIRONMENT_ALREADY_EXISTS',
    );
    await theirs.create('prod');
  });

  test('the default environment stays, also without keys', async () => {
    const { headers, remove, names } = await tenant();
    const [{ id }] = (await call(`GET ${path}`, headers)).body.data;
    expectError(await remove(id), 409, 'ENVIRONMENT_IN_USE');
    expect(await names()).toEqual(['default']);
  });

  test("one with a hidden user key stays until the key has ended, though the tenant cannot see it; another's does not count", async () => {
    const [mine, theirs] = [await tenant(), await tenant()];
    const id = await mine.create('prod');
    await theirs.mint('prod');
    const first = await mine.mint('prod');
    expectError(await mine.remove(id), 409, 'ENVIRONMENT_IN_USE');
    const second = await refreshedIn(first, { grace_period_seconds: 600 });
    await revoke(broker, second.key_id);
    expect((await mine.remove(id)).status).toBe(200);
    expect(await mine.names()).toEqual(['default']);
  });

  test('a key in its grace counts, one past its grace or its expiry does not, swept or not', async () => {
    const { create, mint: mintIn, remove } = await tenant();
    const [graced, expiring] = [await create('graced'), await create('expiring')];
    const old = await mintIn('graced');
    const successor = await refreshedIn(old, { grace_period_seconds: 60 });
    await broker.db
      .updateTable('api_keys')
      .set({ status: 'revoked' })
      .where('id', '=', successor.key_id)
      .execute();
    await mintIn('expiring', { ttl_seconds: 60 });
    for (const id of [graced, expiring]) expectError(await remove(id), 409, 'ENVIRONMENT_IN_USE');
    walkClock(broker, 60 * secondMs);
    for (const id of [graced, expiring]) expect((await remove(id)).status).toBe(200);
  });

  test("one with a key of the tenant's own stays", async () => {
    const { organizationId, create, remove } = await tenant();
    const id = await create('ci');
    await tenantKey(broker, organizationId, { environment: 'ci' });
    expectError(await remove(id), 409, 'ENVIRONMENT_IN_USE');
  });
});

describe('422', () => {
  test.each([
    ['name', {}],
    ['name', { name: '' }],
    ['name', { name: 'Prod' }],
    ['name', { name: 'a'.repeat(17) }],
    ['name', { name: 'a-b' }],
    ['name', { name: 'a_b' }],
    ['', { name: 'prod', organization_id: 'org_other' }],
    ['', { name: 'prod', id: missing }],
    ['', { name: 'prod', slug: 'test' }],
  ])('%s is blamed in %j', async (blamed, body) => {
    const { headers } = await tenantKey(broker, 'org_of_bodies');
    expectViolations(await call(`POST ${path}`, headers, body), blamed);
  });

  test('ids of another kind and cursors of another list are refused', async () => {
    const { headers, remove } = await tenant();
    for (const id of ['prod', 'env_', 'org_0000000000000000000000', "env_'%20OR%201=1"]) {
      expectViolations(await remove(id), 'id');
    }
    const cursor = Buffer.from('flk_0000000000000000000000').toString('base64url');
    expectViolations(await call(`GET ${path}?cursor=${cursor}`, headers), 'cursor');
    expectViolations(await call(`GET ${path}?limit=101`, headers), 'limit');
    expectViolations(await call(`GET ${path}?organization_id=org_1`, headers), '');
  });
});

describe('success', () => {
  test('an environment is created, listed newest first, and deleted, each written down', async () => {
    const { organizationId, keyId, headers, create, names, remove } = await tenant();
    const created = await call(`POST ${path}`, headers, { name: 'prod' });
    expect(created.status).toBe(201);
    expect(created.body).toStrictEqual({
      id: expect.stringMatching(/^env_[0-9A-Za-z]{22}$/),
      name: 'prod',
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    const { id } = created.body;
    const listed = await call(`GET ${path}`, headers);
    expect(listed.body).toStrictEqual({
      data: expect.arrayContaining([created.body, expect.objectContaining({ name: 'default' })]),
      next_cursor: null,
    });
    const removed = await remove(id);
    expect([removed.status, removed.body]).toEqual([200, { success: true, deleted: id }]);
    expectError(await remove(id), 404, 'ENVIRONMENT_NOT_FOUND');
    expect(await names()).toEqual(['default']);
    expect(await auditEventsOf(broker, { targetId: id })).toMatchObject([
      { event_type: 'environment.created', actor_kind: 'tenant_key', actor_id: keyId },
      { event_type: 'environment.deleted', organization_id: organizationId, details: { slug: 'prod' } },
    ]);
    await create('prod');
  });

  test('pages meet every environment once', async () => {
    const { headers, create } = await tenant();
    for (const name of ['a', 'b', 'c', 'd']) await create(name);
    const names: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body } = await call(`GET ${path}?limit=2${cursor && `&cursor=${cursor}`}`, headers);
      names.push(...body.data.map(({ name }: { name: string }) => name));
      cursor = body.next_cursor;
    }
    expect(names.sort()).toEqual(['a', 'b', 'c', 'd', 'default']);
  });

  test('a mint into a deleted environment brings it back', async () => {
    const { create, mint: mintIn, names, remove } = await tenant();
    await remove(await create('prod'));
    await mintIn('prod');
    expect((await names()).sort()).toEqual(['default', 'prod']);
  });
});

async function refreshedIn(key: Awaited<ReturnType<typeof mint>>, body: object) {
  return refreshed(broker, key, { environment: environmentOf(key), ...body });
}

function environmentOf({ key_prefix }: { key_prefix: string }): string {
  return key_prefix.split('_')[2] ?? '';
}

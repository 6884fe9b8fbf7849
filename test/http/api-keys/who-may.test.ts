import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newApiKeySecret, newSecret } from '../../../src/domain/key-format.ts';
import { superAdminRoleId } from '../../../src/domain/role.ts';
import { lockAuthorities } from '../../../src/stores/postgres/authority.ts';
import {
  apiKeysPath,
  callAs,
  type Headers,
  inside,
  noSuchApiKey,
  operationsOn,
} from '../../support/api-keys.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { bytesOf, expectError } from '../../support/errors.ts';
import { mint } from '../../support/keys.ts';
import { organization, platformKey, tenantKey } from '../../support/platform-callers.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
  await organization(broker, 'org_who');
});
afterAll(() => broker.close());

const reading: readonly (readonly [string, unknown?])[] = [
  [`GET ${apiKeysPath}`],
  [`GET ${apiKeysPath}/${noSuchApiKey}`],
  [`GET ${apiKeysPath}/${noSuchApiKey}/usage`],
];
const changing: readonly (readonly [string, unknown?])[] = [
  [`POST ${apiKeysPath}`, {}],
  [`POST ${apiKeysPath}/${noSuchApiKey}/rotate`, {}],
  [`POST ${apiKeysPath}/${noSuchApiKey}/revoke`, {}],
  [`DELETE ${apiKeysPath}/${noSuchApiKey}`],
];
const statsRoute = 'GET /api/v1/platform/stats';

/** Past the door: what is asked for is found or not, complete or not, but nobody was refused. */
const mayPass = (status: number) => ![401, 403].includes(status);

const bearer = (secret: string): Headers => ({ authorization: `Bearer ${secret}` });

test('403: who may not enter organizations gets no new secret of theirs by a rotation, and may still end the key', async () => {
  const root = await platformKey(broker);
  const permissions = ['platform:keys:read', 'platform:keys:manage'];
  const role = await callAs(broker, root.headers, 'POST /api/v1/platform/roles', {
    name: 'keys',
    permissions,
  });
  const narrow = await platformKey(broker, [role.body.id]);
  const { id } = await tenantKey(broker, 'org_who');
  const refused = await callAs(broker, narrow.headers, `POST ${apiKeysPath}/${id}/rotate`, {});
  expect(expectError(refused, 403, 'INSUFFICIENT_PERMISSIONS')).toEqual({
    required_permission: 'platform:impersonate',
  });
  expect((await callAs(broker, root.headers, `POST ${apiKeysPath}/${id}/rotate`, {})).status).toBeLessThan(
    300,
  );
  const other = await tenantKey(broker, 'org_who');
  const ended = await callAs(broker, narrow.headers, `POST ${apiKeysPath}/${other.id}/revoke`, {});
  expect(ended.status).toBe(200);
});

describe('401', () => {
  test('no, made-up, expired, revoked and hidden credentials are refused all alike', async () => {
    const operator = await platformKey(broker);
    const ended = await tenantKey(broker, 'org_who');
    await callAs(broker, operator.headers, `POST ${apiKeysPath}/${ended.id}/revoke`, {});
    const late = await tenantKey(broker, 'org_who', { expiresAt: new Date(Date.now() - 1) });
    const credentials: Headers[] = [
      {},
      bearer('x'),
      bearer(newApiKeySecret('tenant', randomBytes)),
      bearer(newApiKeySecret('platform', randomBytes)),
      bearer(newApiKeySecret('apiUser', randomBytes)),
      bearer(newSecret('master', 'test', randomBytes)),
      bearer(broker.masterKey),
      bearer((await mint(broker)).key),
      ended.headers,
      late.headers,
    ];
    for (const [operation, body] of [...reading, ...changing, [statsRoute] as const]) {
      const refused = await callAs(broker, {}, operation, body);
      expectError(refused, 401, 'AUTHENTICATION_REQUIRED');
      for (const headers of credentials) {
        expect(bytesOf(await callAs(broker, headers, operation, body))).toBe(bytesOf(refused));
      }
    }
  });
});

describe('403', () => {
  type Who = {
    who: string;
    reads: boolean;
    changes: boolean;
    stats: boolean;
    headers: () => Promise<Headers>;
  };
  const operatorWith =
    (...roleIds: string[]) =>
    async () =>
      (await platformKey(broker, roleIds)).headers;
  const impersonating =
    (...roleIds: string[]) =>
    async () =>
      inside('org_who', (await platformKey(broker, roleIds)).headers);
  const tenantWith =
    (...scopes: string[]) =>
    async () =>
      (await tenantKey(broker, 'org_who', { scopes })).headers;
  const [viewer, admin] = ['role_platform_viewer', 'role_platform_operator'];

  test.each<Who>([
    {
      who: 'a super-admin',
      reads: true,
      changes: true,
      stats: true,
      headers: operatorWith(superAdminRoleId),
    },
    { who: 'an admin', reads: true, changes: true, stats: true, headers: operatorWith(admin) },
    { who: 'a viewer', reads: true, changes: false, stats: true, headers: operatorWith(viewer) },
    { who: 'an operator without roles', reads: false, changes: false, stats: false, headers: operatorWith() },
    {
      who: 'an impersonating admin',
      reads: true,
      changes: true,
      stats: false,
      headers: impersonating(admin),
    },
    {
      who: 'an impersonating viewer',
      reads: true,
      changes: false,
      stats: false,
      headers: impersonating(viewer),
    },
    { who: 'a tenant with admin', reads: true, changes: true, stats: false, headers: tenantWith('admin') },
    { who: 'a tenant with write', reads: true, changes: false, stats: false, headers: tenantWith('write') },
    { who: 'a tenant with read', reads: true, changes: false, stats: false, headers: tenantWith('read') },
    {
      who: 'a tenant with a scope of its own',
      reads: false,
      changes: false,
      stats: false,
      headers: tenantWith('x'),
    },
    { who: 'a tenant without scopes', reads: false, changes: false, stats: false, headers: tenantWith() },
  ])(
    '$who: reads $reads, changes $changes, sees the counts $stats',
    async ({ reads, changes, stats, headers }) => {
      const who = await headers();
      for (const [operation, body] of reading) {
        const { status } = await callAs(broker, who, operation, body);
        expect(mayPass(status), `${operation}: ${status}`).toBe(reads);
      }
      for (const [operation, body] of changing) {
        const { status } = await callAs(broker, who, operation, body);
        expect(mayPass(status), `${operation}: ${status}`).toBe(changes);
      }
      const { status } = await callAs(broker, who, statsRoute);
      expect(mayPass(status), `${statsRoute}: ${status}`).toBe(stats);
    },
  );
});

describe('404', () => {
  test("another tenant's, a platform and a hidden key look exactly like none, to a tenant and to who impersonates it", async () => {
    const foreign = await tenantKey(broker, 'org_foreign');
    const operator = await platformKey(broker);
    const hidden = await mint(broker, { organization_id: 'org_who' });
    const own = await tenantKey(broker, 'org_who');
    for (const headers of [own.headers, inside('org_who', operator.headers)]) {
      for (const [index, [operation, body]] of operationsOn(noSuchApiKey).entries()) {
        const missing = await callAs(broker, headers, operation, body);
        expectError(missing, 404, 'KEY_NOT_FOUND');
        for (const id of [foreign.id, operator.id, hidden.key_id]) {
          const [same = '', sameBody] = operationsOn(id)[index] ?? [];
          const answer = await callAs(broker, headers, same, sameBody);
          expect(bytesOf(answer), same).toBe(bytesOf(missing));
        }
      }
    }
    expect((await callAs(broker, foreign.headers, `GET ${apiKeysPath}/${foreign.id}`)).status).toBe(200);
  });

  test("the rights of others are not held up by a caller who names their ids where a key's id belongs", async () => {
    const own = await tenantKey(broker, 'org_who');
    const foreign = await tenantKey(broker, 'org_foreign');
    const masterKey = await broker.createMasterKey();
    for (const id of [foreign.id, 'org_foreign', masterKey.id]) {
      await broker.db.transaction().execute(async (tx) => {
        await lockAuthorities(tx, { used: [id], ended: [], operators: undefined });
        for (const [operation, body] of operationsOn(id)) {
          expectError(await callAs(broker, own.headers, operation, body), 404, 'KEY_NOT_FOUND');
        }
      });
    }
  });

  test('a hidden key of a user is not there for an operator either', async () => {
    const { headers } = await platformKey(broker);
    const hidden = await mint(broker);
    for (const [operation, body] of operationsOn(hidden.key_id)) {
      expectError(await callAs(broker, headers, operation, body), 404, 'KEY_NOT_FOUND');
    }
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routes } from '../../src/http/routes.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { expectError } from '../support/errors.ts';
import { type Minted, mint, verify } from '../support/keys.ts';
import { platformKey, tenantKey } from '../support/platform-callers.ts';

/**
 * Every operation for operators, called with `X-Flowplate-Org`. The expectations are independent of
 * the routes: an operation that is in no list fails the first test.
 */
const confined = [
  'listHiddenKeys getHiddenKey getHiddenKeyUsage revokeHiddenKeys revokeHiddenKey',
  'listTenants getTenant updateTenant deleteTenant listAuditEvents exportAuditEvents listEvents reportHiddenHygiene releaseHiddenKey',
  'listApiKeys createApiKey getApiKey deleteApiKey rotateApiKey revokeApiKey getApiKeyUsage',
  'listEnvironments createEnvironment deleteEnvironment listNames listTenantUsage',
  'explainHiddenKey listHiddenKeyRefusals bulkChangeHiddenKeys getPlatformJob cancelPlatformJob',
  'getTenantPolicy setTenantPolicy clearTenantPolicy reportOnTenantPolicy getOwnPolicy',
].flatMap((ids) => ids.split(' '));
const ownAccount = [
  'getMe logOut changePassword listOwnSessions endOwnSession endOtherSessions confirmSession',
  'listOwnSecondFactors startTotp activateTotp startPasskey addPasskey removeSecondFactor renewRecoveryCodes',
].flatMap((ids) => ids.split(' '));
const platformWide = [
  'listPlatformUsers getPlatformUser getPerson erasePerson createPlatformUser updatePlatformUser deletePlatformUser',
  'resetPlatformUserPassword resetSecondFactors listRoles createRole updateRole deleteRole provisionTenant bootstrapApiUsers',
  'listMasterKeys createMasterKey getMasterKey updateMasterKey listMintedOrganizations rotateMasterKey revokeMasterKey verifyAudit',
  'getPlatformStats getTraffic getTopTraffic listVerifiers getQueues findRefusals getDiagnosis',
  'findDeviceLogin answerDeviceLogin listImportSecrets createImportSecret deleteImportSecret',
  'listWebhooks createWebhook getWebhook updateWebhook deleteWebhook rotateWebhookSecret testWebhook',
  'listWebhookDeliveries replayWebhookEvents',
].flatMap((ids) => ids.split(' '));

const operatorRoutes = routes.filter(
  ({ access, operationId }) => access.schemes.includes('session') && operationId !== 'bootstrapPlatform',
);

const here = 'org_here';
const there = 'org_there';

let broker: TestBroker;
let operator: Awaited<ReturnType<typeof platformKey>>;
let own: Minted;
let foreign: Minted;
beforeAll(async () => {
  broker = await startBroker();
  operator = await platformKey(broker);
  await tenantKey(broker, here);
  await tenantKey(broker, there);
});
afterAll(() => broker.close());

/** One user with a key in each of two organizations. */
async function mintBoth(userId: string): Promise<void> {
  own = await mint(broker, { user_id: userId, organization_id: here });
  foreign = await mint(broker, { user_id: userId, organization_id: there });
}

const inside = (operation: string, body?: unknown) =>
  broker.call(operation, {
    as: null,
    headers: { ...operator.headers, 'x-flowplate-org': here },
    ...(body !== undefined && { body }),
  });
const outside = (operation: string) => broker.call(operation, { as: null, headers: operator.headers });

test('every operation for operators is confined, about the own account, or refused', () => {
  const known = [...confined, ...ownAccount, ...platformWide].sort();
  expect(operatorRoutes.map(({ operationId }) => operationId).sort()).toEqual(known);
});

describe.each(operatorRoutes.filter(({ operationId }) => platformWide.includes(operationId)))(
  '$operationId',
  ({ method, path }) => {
    test('403: it concerns the whole platform, so it is refused inside an organization', async () => {
      const operation = `${method.toUpperCase()} ${path.replaceAll(/:\w+/g, 'x')}`;
      const details = expectError(await inside(operation), 403, 'INSUFFICIENT_PERMISSIONS');
      expect(details).toEqual({ refused_header: 'X-Flowplate-Org' });
      const answer = await outside(operation);
      expect(answer.body?.error?.details?.refused_header).toBeUndefined();
    });
  },
);

describe('hidden keys', () => {
  beforeAll(() => mintBoth('usr_listed'));

  test('a list has those of the organization alone, also when it asks for another', async () => {
    const listed = await inside('GET /api/v1/platform/hidden-keys');
    const organizations = listed.body.map((key: Minted) => key.organization_id);
    expect(new Set(organizations)).toEqual(new Set([here]));
    for (const query of [`organization_id=${there}`, `prefix=${foreign.key_prefix}`]) {
      expect((await inside(`GET /api/v1/platform/hidden-keys?${query}`)).body).toEqual([]);
    }
  });

  test('404: one of another organization is not there', async () => {
    const path = `/api/v1/platform/hidden-keys/${foreign.key_id}`;
    const reads = [`GET ${path}`, `GET ${path}/usage`, `GET ${path}/refusals`];
    for (const operation of [...reads, `POST ${path}/explain`, `DELETE ${path}`]) {
      expectError(await inside(operation), 404, 'KEY_NOT_FOUND');
    }
    expect((await verify(broker, foreign.key)).code).toBe('VALID');
    expect((await inside(`GET /api/v1/platform/hidden-keys/${own.key_id}`)).status).toBe(200);
  });

  test('one is revoked for the organization, and the audit log says so', async () => {
    expect((await inside(`DELETE /api/v1/platform/hidden-keys/${own.key_id}`)).status).toBe(200);
    expect((await verify(broker, own.key)).code).toBe('REVOKED');
    const { body } = await outside(
      `GET /api/v1/platform/audit?event_type=key.revoked&target_id=${own.key_id}`,
    );
    expect(body).toMatchObject([{ actor: { id: operator.id }, on_behalf_of: here }]);
  });

  test('all of a user are revoked in the organization, and nowhere else', async () => {
    await mintBoth('usr_revoked');
    const { body } = await inside('DELETE /api/v1/platform/hidden-keys/user/usr_revoked');
    expect(body).toMatchObject({ revoked_count: 1 });
    expect((await verify(broker, own.key)).code).toBe('REVOKED');
    expect((await verify(broker, foreign.key)).code).toBe('VALID');
  });

  test('404: a user with keys elsewhere alone is not there', async () => {
    await mint(broker, { user_id: 'usr_elsewhere', organization_id: there });
    const answer = await inside('DELETE /api/v1/platform/hidden-keys/user/usr_elsewhere');
    expectError(answer, 404, 'USER_NOT_FOUND');
  });
});

describe('tenants', () => {
  test('a list has the organization alone', async () => {
    const { body } = await inside('GET /api/v1/platform/tenants');
    expect(body.map(({ id }: { id: string }) => id)).toEqual([here]);
    expect((await inside(`GET /api/v1/platform/tenants/${here}`)).status).toBe(200);
  });

  test('404: another one is neither shown, nor changed, nor deleted', async () => {
    const path = `/api/v1/platform/tenants/${there}`;
    expectError(await inside(`GET ${path}`), 404, 'ORGANIZATION_NOT_FOUND');
    expectError(await inside(`PATCH ${path}`, { status: 'suspended' }), 404, 'ORGANIZATION_NOT_FOUND');
    expectError(await inside(`DELETE ${path}`), 404, 'ORGANIZATION_NOT_FOUND');
    expect((await outside(`GET ${path}`)).body).toMatchObject({ status: 'active' });
  });
});

describe('the audit log', () => {
  test('shows and exports the events of the organization alone', async () => {
    await mintBoth('usr_audited');
    const { body } = await inside('GET /api/v1/platform/audit?limit=1000');
    expect(new Set(body.map((event: { organization_id: string }) => event.organization_id))).toEqual(
      new Set([here]),
    );
    const exported = await fetch(`${broker.url}/api/v1/platform/audit/export`, {
      headers: { ...operator.headers, 'x-flowplate-org': here },
    });
    const text = await exported.text();
    expect(text).toContain(own.key_id);
    expect(text).not.toContain(foreign.key_id);
    expect(text).not.toContain(`"organization_id":"${there}"`);
  });

  test('404: another organization cannot be asked for', async () => {
    for (const path of ['audit', 'audit/export']) {
      const answer = await inside(`GET /api/v1/platform/${path}?organization_id=${there}`);
      expectError(answer, 404, 'ORGANIZATION_NOT_FOUND');
    }
    const { body } = await inside(`GET /api/v1/platform/audit?target_id=${foreign.key_id}`);
    expect(body).toEqual([]);
  });
});

test('usage is told of the organization alone', async () => {
  await mintBoth('usr_counted');
  await verify(broker, own.key);
  await verify(broker, foreign.key);
  await broker.settleUsage();
  const { body } = await inside('GET /api/v1/platform/usage');
  expect(body.tenants).toMatchObject([{ id: here }]);
  expect(body.all).toMatchObject([{ requests: body.tenants[0].requests }]);
  const answer = await inside(`GET /api/v1/platform/usage?organization_id=${there}`);
  expectError(answer, 404, 'ORGANIZATION_NOT_FOUND');
});

test('names are told of things of the organization alone', async () => {
  await mintBoth('usr_named');
  const { id } = await tenantKey(broker, here, { name: 'Its own' });
  const elsewhere = await tenantKey(broker, there);
  const ids = [here, there, own.key_id, foreign.key_id, id, elsewhere.id, operator.id];
  const { body } = await inside(`GET /api/v1/platform/names?ids=${ids}`);
  expect(body.data.map((named: { id: string }) => named.id).sort()).toEqual([here, own.key_id, id].sort());
});

describe('API keys', () => {
  test('404: one of another organization or of the platform is neither shown nor ended', async () => {
    for (const { id, headers } of [await tenantKey(broker, there), await platformKey(broker)]) {
      const path = `/api/v1/apikeys/${id}`;
      const operations = [`GET ${path}`, `GET ${path}/usage`, `DELETE ${path}`, `POST ${path}/revoke`];
      for (const operation of [...operations, `POST ${path}/rotate`]) {
        expectError(await inside(operation), 404, 'KEY_NOT_FOUND');
      }
      expect((await broker.call('GET /api/v1/apikeys', { as: null, headers })).status).toBe(200);
    }
  });
});

test('the own account stays within reach', async () => {
  expect((await inside('GET /api/v1/platform/auth/me')).status).not.toBe(403);
});

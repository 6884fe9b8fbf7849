import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import openApi from '../../docs/openapi.json' with { type: 'json' };
import { newApiKeySecret } from '../../src/domain/key-format.ts';
import { routes } from '../../src/http/routes.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { expectError } from '../support/errors.ts';
import { mint } from '../support/keys.ts';
import { setStatus } from '../support/organization-status.ts';
import { platformKey, tenantKey } from '../support/platform-callers.ts';
import { bootstrapped, platformUser } from '../support/platform-users.ts';

/** Every operation × every kind of credential. The expectations are independent of the routes. */
const groups = {
  anybody: {
    operations: ['logIn getSession createSession startDeviceLogin pollDeviceLogin revokeToken'],
    letsIn: 'everybody',
  },
  'a master key with the permission': {
    operations: [
      'verifyKey verifyKeys introspectKey mintKey mintKeys listKeys reportHygiene getKey updateKey getKeyUsage refreshKey revokeUserKeys releaseKey',
      'bulkChangeKeys getJob cancelJob importKeys getImportProgress',
      'explainKey listKeyRefusals revokeKey revokeKeys registerVerifier heartbeat findRecord reportUsage reportRefusals reportScopes removeVerifier',
    ],
    letsIn: 'master key',
    refuses: 'master key without permissions',
  },
  'every operator': {
    operations: [
      'logOut getMe changePassword listNames listOwnSessions endOwnSession endOtherSessions confirmSession',
      'listOwnSecondFactors startTotp activateTotp startPasskey addPasskey removeSecondFactor renewRecoveryCodes',
    ],
    letsIn: 'super-admin, super-admin with a token, admin, read-only, operator without roles',
  },
  // By its cookie alone: test/http/sessions/device-login.test.ts.
  'the page of the portal': {
    operations: ['findDeviceLogin answerDeviceLogin'],
    letsIn: 'the portal',
    refuses: 'super-admin, super-admin with a token, admin, read-only, operator without roles',
  },
  'admins and super-admins': {
    operations: [
      'listPlatformUsers getPlatformUser getPerson updatePlatformUser provisionTenant updateTenant deleteTenant',
      'revokeHiddenKeys revokeHiddenKey releaseHiddenKey bulkChangeHiddenKeys cancelPlatformJob',
      'setTenantPolicy clearTenantPolicy createImportSecret deleteImportSecret',
      'createWebhook updateWebhook deleteWebhook rotateWebhookSecret testWebhook replayWebhookEvents',
    ],
    letsIn: 'super-admin, super-admin with a token, admin',
    refuses: 'read-only, operator without roles',
  },
  'super-admins alone': {
    operations: [
      'createPlatformUser deletePlatformUser erasePerson resetPlatformUserPassword resetSecondFactors createRole updateRole deleteRole',
      'listMasterKeys createMasterKey getMasterKey updateMasterKey listMintedOrganizations rotateMasterKey revokeMasterKey bootstrapApiUsers',
    ],
    letsIn: 'super-admin, super-admin with a token',
    refuses: 'admin, read-only, operator without roles',
  },
  'every operator with a role': {
    operations: [
      'listRoles listAuditEvents exportAuditEvents verifyAudit listEvents listTenants getTenant listHiddenKeys getHiddenKey reportHiddenHygiene',
      'getHiddenKeyUsage explainHiddenKey listHiddenKeyRefusals findRefusals getPlatformJob getPlatformStats getTraffic getTopTraffic',
      'listVerifiers getQueues getDiagnosis listTenantUsage getTenantPolicy reportOnTenantPolicy listImportSecrets',
      'listWebhooks getWebhook listWebhookDeliveries',
    ],
    letsIn: 'super-admin, super-admin with a token, admin, read-only',
    refuses: 'operator without roles',
  },
  'a tenant key that may look, and operators who say where': {
    operations: ['listEnvironments getOwnPolicy'],
    letsIn:
      'tenant key, tenant key that only reads, super-admin, super-admin with a token, admin, read-only, operator without roles',
    refuses: 'tenant key without scopes, tenant key of a suspended organization',
  },
  'a tenant key that may manage, and operators who say where': {
    operations: ['createEnvironment deleteEnvironment'],
    letsIn: 'tenant key, super-admin, super-admin with a token, admin, read-only, operator without roles',
    refuses: 'tenant key that only reads, tenant key without scopes, tenant key of a suspended organization',
  },
  'a tenant key or an operator who may look': {
    operations: ['listApiKeys getApiKey getApiKeyUsage'],
    letsIn: 'tenant key, tenant key that only reads, super-admin, super-admin with a token, admin, read-only',
    refuses: 'tenant key without scopes, tenant key of a suspended organization, operator without roles',
  },
  'a tenant key or an operator who may manage': {
    operations: ['createApiKey deleteApiKey rotateApiKey revokeApiKey'],
    letsIn: 'tenant key, super-admin, super-admin with a token, admin',
    refuses:
      'tenant key that only reads, tenant key without scopes, tenant key of a suspended organization, read-only, operator without roles',
  },
  'a tenant key alone': {
    operations: ['bootstrapPlatform'],
    letsIn: 'tenant key',
    refuses:
      'tenant key that only reads, tenant key without scopes, tenant key of a suspended organization, super-admin, super-admin with a token, admin, read-only, operator without roles',
  },
  'an API user who is an admin': {
    operations: ['listApiUsers createApiUser getApiUser updateApiUser deleteApiUser rotateApiUserKey'],
    letsIn: 'API user who is an admin',
    refuses: 'API user',
  },
  // Signatures: test/http/leaks/report-leaks.test.ts.
  'scanners who sign': { operations: ['reportLeaks'], letsIn: '' },
} satisfies Record<string, { operations: string[]; letsIn: string; refuses?: string }>;

type Headers = Record<string, string>;

let broker: TestBroker;
let credentials: Record<string, () => Headers | Promise<Headers>>;

beforeAll(async () => {
  broker = await startBroker();
  const root = await bootstrapped(broker);
  const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
  const platform = async (...roleIds: string[]) => (await platformKey(broker, roleIds)).headers;
  const tenant = async (scopes: string[], organizationId = 'org_tenant') =>
    (await tenantKey(broker, organizationId, { scopes })).headers;
  const fixed: Record<string, Headers> = {
    'no credential': {},
    garbage: bearer('garbage'),
    'a token of somebody else': bearer('eyJhbGciOiJub25lIn0.eyJzdWIiOiJwdXNlcl8xIn0.'),
    'a well-formed key that nobody issued': bearer(newApiKeySecret('tenant', randomBytes)),
    'expired tenant key': (await tenantKey(broker, 'org_tenant', { expiresAt: new Date(Date.now() - 1_000) }))
      .headers,
    'revoked platform key': await revokedPlatformKey(),
    'hidden user key': bearer((await mint(broker)).key),
    'master key': { 'x-flowplate-master-key': broker.masterKey },
    'master key without permissions': {
      'x-flowplate-master-key': (await broker.createMasterKey({ permissions: [] })).secret,
    },
    'tenant key': await tenant(['admin']),
    'tenant key that only reads': await tenant(['read']),
    'tenant key without scopes': await tenant([]),
    'tenant key of a suspended organization': await tenant(['admin'], 'org_suspended'),
    'super-admin': await platform('role_platform_admin'),
    admin: await platform('role_platform_operator'),
    'read-only': await platform('role_platform_viewer'),
    'operator without roles': await platform(),
    'API user who is an admin': await apiUser('admin'),
    'API user': await apiUser('user'),
  };
  await setStatus(broker, 'org_suspended', 'suspended');
  credentials = {
    ...Object.fromEntries(Object.entries(fixed).map(([name, headers]) => [name, () => headers])),
    // A session of its own for each call: some of them end it.
    'super-admin with a token': async () => (await platformUser(broker, root)).headers,
  };
});
afterAll(() => broker.close());

test('every operation is in exactly one group', () => {
  const grouped = Object.values(groups).flatMap(({ operations }) => operations.flatMap(words));
  expect(grouped.sort()).toEqual(routes.map(({ operationId }) => operationId).sort());
});

describe.each(Object.entries(groups))('open to %s', (_name, group) => {
  test.each(group.operations.flatMap(words))('%s', { timeout: 30_000 }, async (operationId) => {
    const letsIn = list(group.letsIn);
    const refuses = 'refuses' in group ? list(group.refuses) : [];
    for (const [name, headersOf] of Object.entries(credentials)) {
      const answer = await knock(operationId, await headersOf());
      const what = `${name}: ${JSON.stringify(answer.body)}`;
      if (group.letsIn === 'everybody' || letsIn.includes(name)) {
        expect([401, 403], what).not.toContain(answer.status);
        expect(documented(operationId), what).toContain(String(answer.status));
      } else if (refuses.includes(name)) {
        const isSuspended = name.endsWith('suspended organization');
        expectError(answer, 403, isSuspended ? 'ORGANIZATION_SUSPENDED' : 'INSUFFICIENT_PERMISSIONS');
      } else {
        expectError(answer, 401, 'AUTHENTICATION_REQUIRED');
      }
    }
  });
});

/**
 * With ids of things that are not there and an empty body: what is let in gets no further than
 * that.
 */
async function knock(operationId: string, headers: Headers) {
  const route = routes.find((candidate) => candidate.operationId === operationId);
  if (route === undefined) throw new Error(`there is no ${operationId}`);
  const path = route.path.replaceAll(/:(\w+)/g, 'missing0000000000000');
  const isForm = route.bodyFormat === 'form';
  const hasBody = ['post', 'put', 'patch'].includes(route.method);
  return broker.call(`${route.method.toUpperCase()} ${path}`, {
    as: null,
    headers: { ...headers, ...(isForm && { 'content-type': 'application/x-www-form-urlencoded' }) },
    ...(hasBody && { body: isForm ? '' : {} }),
  });
}

function documented(operationId: string): string[] {
  const operations = Object.values(openApi.paths).flatMap((path) => Object.values(path));
  const operation = operations.find((candidate) => candidate.operationId === operationId);
  return Object.keys(operation?.responses ?? {});
}

async function revokedPlatformKey(): Promise<Headers> {
  const { id, headers } = await platformKey(broker);
  const { headers: by } = await platformKey(broker);
  const answer = await broker.call(`POST /api/v1/apikeys/${id}/revoke`, { as: null, headers: by, body: {} });
  expect(answer.status).toBe(200);
  return headers;
}

async function apiUser(role: 'user' | 'admin'): Promise<Headers> {
  const { headers } = await platformKey(broker);
  const first = await broker.call('POST /users/bootstrap', { as: null, headers, body: { name: 'First' } });
  if (first.status === 201) firstApiKey = first.body.api_key;
  const body = { name: 'Test', role };
  const made = await broker.call('POST /users', { as: null, headers: { 'x-api-key': firstApiKey }, body });
  return { 'x-api-key': made.body.api_key };
}

let firstApiKey = '';

function words(text: string): string[] {
  return text.split(' ');
}

function list(text: string): string[] {
  return text.split(', ');
}

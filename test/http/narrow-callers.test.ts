import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { masterKeyPermissions, platformPermissions } from '../../src/domain/permission.ts';
import { routes } from '../../src/http/routes.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { platformKey } from '../support/platform-callers.ts';

/**
 * Minimal rights of each operation, independent of the routes. A caller with every other permission
 * is refused. A new operation fails until it is added here.
 */
const suffices: Record<string, string> = {
  'verifyKey verifyKeys introspectKey': 'keys:verify',
  'mintKey mintKeys updateKey releaseKey': 'keys:mint',
  'listKeys reportHygiene getKey': 'keys:read',
  getKeyUsage: 'usage:read',
  'explainKey listKeyRefusals': 'keys:explain',
  refreshKey: 'keys:refresh',
  'bulkChangeKeys getJob cancelJob': 'keys:bulk',
  'importKeys getImportProgress': 'keys:import',
  'revokeUserKeys revokeKey revokeKeys': 'keys:revoke',
  'registerVerifier heartbeat findRecord reportUsage reportRefusals reportScopes removeVerifier':
    'keys:verify:embedded',
  'listPlatformUsers getPlatformUser getPerson': 'platform:users:read',
  updatePlatformUser: 'platform:users:manage',
  listRoles: 'platform:roles:read',
  'createRole updateRole deleteRole': 'platform:roles:manage',
  'listAuditEvents exportAuditEvents verifyAudit': 'platform:audit:read',
  listEvents: 'platform:events:read',
  'listTenants getTenant listTenantUsage getTenantPolicy': 'platform:tenants:read',
  'provisionTenant updateTenant deleteTenant setTenantPolicy clearTenantPolicy': 'platform:tenants:manage',
  'listHiddenKeys reportHiddenHygiene getHiddenKey getHiddenKeyUsage explainHiddenKey listHiddenKeyRefusals findRefusals getPlatformJob reportOnTenantPolicy listImportSecrets':
    'platform:hidden_keys:read',
  'revokeHiddenKeys revokeHiddenKey releaseHiddenKey bulkChangeHiddenKeys cancelPlatformJob createImportSecret deleteImportSecret':
    'platform:hidden_keys:manage',
  'listApiKeys getApiKey getApiKeyUsage getPlatformStats getTraffic getTopTraffic listVerifiers getQueues getDiagnosis':
    'platform:keys:read',
  'createApiKey deleteApiKey rotateApiKey revokeApiKey': 'platform:keys:manage',
  'listWebhooks getWebhook listWebhookDeliveries': 'platform:events:read',
  'createWebhook updateWebhook deleteWebhook rotateWebhookSecret testWebhook replayWebhookEvents':
    'platform:events:manage',
  'createPlatformUser deletePlatformUser erasePerson resetPlatformUserPassword resetSecondFactors bootstrapApiUsers':
    'the super-admin role',
  'listMasterKeys createMasterKey getMasterKey updateMasterKey listMintedOrganizations rotateMasterKey revokeMasterKey':
    'the super-admin role',
  'logOut getMe changePassword listNames listOwnSessions endOwnSession endOtherSessions confirmSession':
    'being an operator',
  'listOwnSecondFactors startTotp activateTotp startPasskey addPasskey removeSecondFactor renewRecoveryCodes':
    'being an operator',
  // Past the door without an organization named; inside one it takes impersonation
  // (impersonation.test.ts).
  'listEnvironments createEnvironment deleteEnvironment getOwnPolicy': 'being an operator',
  // A signature, and no permission (leaks/report-leaks.test.ts).
  reportLeaks: 'a signature',
  'logIn getSession createSession startDeviceLogin pollDeviceLogin revokeToken': 'nothing',
  // By its cookie alone (sessions/device-login.test.ts).
  'findDeviceLogin answerDeviceLogin': 'the page of the portal',
  bootstrapPlatform: 'a tenant key',
  'listApiUsers createApiUser getApiUser updateApiUser deleteApiUser rotateApiUserKey': 'an API key',
};

const needed = Object.entries(suffices).flatMap(([operations, need]) =>
  operations.split(' ').map((operationId) => [operationId, need] as const),
);

type Holder = { holds: string[]; headers: Record<string, string> };

let broker: TestBroker;
let holders: Holder[];

beforeAll(async () => {
  broker = await startBroker();
  const masterKey = async (permissions: (typeof masterKeyPermissions)[number][]) => {
    const { secret } = await broker.createMasterKey({
      permissions,
      organizationIds: ['org_narrow'],
      environments: ['test'],
    });
    return { holds: [...permissions, 'nothing'], headers: { 'x-flowplate-master-key': secret } };
  };
  const operator = async (permissions: (typeof platformPermissions)[number][]) => {
    const { headers } = await platformKey(broker, [await role(permissions)]);
    return { holds: [...permissions, 'being an operator', 'nothing'], headers };
  };
  holders = [];
  // One after another: a busy broker refuses so many changes at once.
  for (const permissions of everyOneAndAllOthers(masterKeyPermissions))
    holders.push(await masterKey(permissions));
  for (const permissions of everyOneAndAllOthers(platformPermissions))
    holders.push(await operator(permissions));
});
afterAll(() => broker.close());

/** Lists of one permission, and lists of all but one. */
function everyOneAndAllOthers<P>(permissions: readonly P[]): P[][] {
  return permissions.flatMap((one) => [[one], permissions.filter((other) => other !== one)]);
}

async function role(permissions: string[]): Promise<string> {
  const id = `role_${permissions.join('_')}`;
  const at = new Date();
  const row = { id, name: id, permissions, created_at: at, updated_at: at };
  await broker.db.insertInto('roles').values(row).execute();
  return id;
}

test('every operation is decided about once', () => {
  expect(needed.map(([id]) => id).sort()).toEqual(routes.map(({ operationId }) => operationId).sort());
});

describe('open to exactly those who hold', () => {
  test.each(needed)('%s: %s', { timeout: 20_000 }, async (operationId, need) => {
    for (const { holds, headers } of holders) {
      const { status } = await knock(operationId, headers);
      const isRefused = [401, 403].includes(status);
      expect(isRefused, `${status} for ${holds.join(' ')}`).toBe(!holds.includes(need));
    }
  });
});

/** With ids of what is not there and an empty body: what is let in gets no further than that. */
function knock(operationId: string, headers: Record<string, string>) {
  const route = routes.find((candidate) => candidate.operationId === operationId);
  const method = route?.method.toUpperCase() ?? '';
  const path = route?.path.replaceAll(/:(\w+)/g, 'missing0000000000000');
  const isForm = route?.bodyFormat === 'form';
  const hasBody = ['POST', 'PUT', 'PATCH'].includes(method);
  return broker.call(`${method} ${path}`, {
    as: null,
    headers: { ...headers, ...(isForm && { 'content-type': 'application/x-www-form-urlencoded' }) },
    ...(hasBody && { body: isForm ? '' : {} }),
  });
}

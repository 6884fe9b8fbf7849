import { randomBytes } from 'node:crypto';
import { superAdminRoleId } from '../../src/domain/role.ts';
import { insertApiKey } from '../../src/stores/postgres/api-keys/api-keys.ts';
import { insertEnvironment } from '../../src/stores/postgres/organizations/environments.ts';
import { insertOrganization } from '../../src/stores/postgres/organizations/organizations.ts';
import { type ApiKeyRequest, issueApiKey } from '../../src/usecases/api-keys/issue-api-key.ts';
import type { TestBroker } from './broker.ts';

type Rest = { name?: string; description?: string | null; scopes?: string[]; expiresAt?: Date | null };

const unsaid = { name: 'test', description: null, scopes: [], expiresAt: null };

/** A broker, or what there is of one at the shell. */
type Maker = Pick<TestBroker, 'db'> & {
  api: { parts: Pick<TestBroker['api']['parts'], 'clock' | 'keyring' | 'randomBytes'> };
};

/**
 * A platform key with these roles, as if an operator had made it; a super-admin's unless told
 * otherwise.
 */
export async function platformKey(broker: Maker, roleIds = [superAdminRoleId], rest: Rest = {}) {
  return store(broker, { ...unsaid, ...rest, kind: 'platform', roleIds });
}

/**
 * A key of an organization, with the scope `admin` unless told otherwise. The organization is made
 * when it is missing.
 */
export async function tenantKey(
  broker: TestBroker,
  organizationId: string,
  { environment = 'default', ...rest }: Rest & { environment?: string } = {},
) {
  await organization(broker, organizationId);
  const request = { ...unsaid, scopes: ['admin'], ...rest, kind: 'tenant' as const };
  return store(broker, { ...request, organizationId, environment });
}

export async function organization(
  { db }: Pick<TestBroker, 'db'>,
  id: string,
  now = new Date(),
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await insertOrganization(tx, { id, name: id, now });
    await insertEnvironment(tx, {
      id: `env_${randomBytes(9).toString('hex')}`,
      organizationId: id,
      slug: 'default',
      now,
    });
  });
}

async function store({ api, db }: Maker, request: ApiKeyRequest) {
  const { secret, apiKey, digest } = issueApiKey(api.parts, request, api.parts.clock.now());
  await db.transaction().execute((tx) => insertApiKey(tx, apiKey, digest));
  return { id: apiKey.id, secret, headers: { authorization: `Bearer ${secret}` } };
}

import { randomBytes } from 'node:crypto';
import { superAdminRoleId } from '../../src/domain/role.ts';
import { insertApiKey } from '../../src/stores/postgres/api-keys/api-keys.ts';
import { openDatabase } from '../../src/stores/postgres/database.ts';
import { type ApiKeyRequest, issueApiKey } from '../../src/usecases/api-keys/issue-api-key.ts';
import type { Stage } from './stage.ts';

const unsaid = { name: 'bench', description: null, expiresAt: null };

export const newOperator = (stage: Stage) =>
  newKey(stage, { ...unsaid, kind: 'platform', roleIds: [superAdminRoleId], scopes: [] });

export const newTenantKey = (stage: Stage) =>
  newKey(stage, {
    ...unsaid,
    kind: 'tenant',
    organizationId: 'org_0',
    environment: 'default',
    scopes: ['read'],
  });

async function newKey({ sql, keyring }: Stage, request: ApiKeyRequest): Promise<string> {
  const { secret, apiKey, digest } = issueApiKey({ randomBytes, keyring }, request, new Date());
  await openDatabase(sql)
    .transaction()
    .execute((tx) => insertApiKey(tx, apiKey, digest));
  return secret;
}

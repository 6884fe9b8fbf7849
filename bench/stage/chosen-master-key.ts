import { randomBytes } from 'node:crypto';
import { newId } from '../../src/domain/ids.ts';
import { hashPassword } from '../../src/password-hash.ts';
import { openDatabase } from '../../src/stores/postgres/database.ts';
import { insertMasterKey } from '../../src/stores/postgres/master-keys/master-keys.ts';
import type { Stage } from './stage.ts';

/**
 * Creates a master key with an operator-chosen secret: from then on every unknown secret costs a
 * hash.
 */
export async function chooseMasterKey({ sql }: Stage): Promise<void> {
  const createdAt = new Date();
  const masterKey = {
    id: newId('masterKey', createdAt, randomBytes),
    name: 'chosen',
    keyPrefix: null,
    certificate: null,
    token: null,
    permissions: [],
    organizationIds: null,
    environments: null,
    ipAllowlist: null,
    expiresAt: null,
    revokedAt: null,
    revokedReason: null,
    createdAt,
    revision: 1,
  };
  const passwordHash = await hashPassword(randomBytes(32).toString('base64'));
  await insertMasterKey(openDatabase(sql), masterKey, { passwordHash });
}

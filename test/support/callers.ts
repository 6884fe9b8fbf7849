import { randomBytes } from 'node:crypto';
import type { MasterKey } from '../../src/domain/master-key.ts';
import { masterKeyPermissions } from '../../src/domain/permission.ts';
import type { Database } from '../../src/stores/postgres/database.ts';
import { insertMasterKey } from '../../src/stores/postgres/master-keys/master-keys.ts';
import { insertPlatformUser } from '../../src/stores/postgres/platform-users/platform-users.ts';
import { insertSession } from '../../src/stores/postgres/sessions/sessions.ts';

const createdAt = new Date('2026-01-01T00:00:00Z');

/** The master key behind `callerWith`, with every right. */
export const testMasterKey: MasterKey = {
  id: 'flm_test',
  name: 'test',
  keyPrefix: null,
  certificate: null,
  token: null,
  permissions: [...masterKeyPermissions],
  organizationIds: null,
  environments: null,
  ipAllowlist: null,
  expiresAt: null,
  revokedAt: null,
  revokedReason: null,
  createdAt,
  revision: 1,
};

export const testUserId = 'puser_test';
export const testSessionId = 'sess_test';

/**
 * Inserts the credentials of invented callers, since a change checks its caller's rights in the
 * database. Their secrets are unknown.
 */
export async function admitTestCallers(db: Database): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await insertMasterKey(tx, testMasterKey, { digest: { pepperId: 'p1', digest: randomBytes(32) } });
    const user = {
      id: testUserId,
      email: 'test@example.com',
      name: 'test',
      roleIds: [],
      isActive: true,
      lastLoginAt: null,
      createdAt,
      updatedAt: createdAt,
      isBreakGlass: false,
      hasPassword: true,
    };
    await insertPlatformUser(tx, user, 'nobody knows it');
    const expiresAt = new Date('2099-01-01T00:00:00Z');
    const origin = {
      method: 'password',
      secondFactor: null,
      address: undefined,
      userAgent: undefined,
    } as const;
    const times = { createdAt, expiresAt, confirmedAt: expiresAt };
    await insertSession(tx, { id: testSessionId, userId: testUserId, ...times, origin });
  });
}

export async function removeTestCallers(db: Database): Promise<void> {
  await db.deleteFrom('platform_users').where('id', '=', testUserId).execute();
  await db.deleteFrom('master_keys').where('id', '=', testMasterKey.id).execute();
}

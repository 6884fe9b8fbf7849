import type { ApiUser } from '../../domain/api-user.ts';
import { newId } from '../../domain/ids.ts';
import { digestSecret } from '../../domain/key-digest.ts';
import { newApiKeySecret, parseSecret } from '../../domain/key-format.ts';
import type { Caller, Principal } from '../../domain/principal.ts';
import { insertApiUser, insertApiUserKey } from '../../stores/postgres/api-users.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { type ApiUserParts, apiUserEvent } from './api-user-parts.ts';

export type NewApiUser = Pick<ApiUser, 'name' | 'email' | 'role'>;

/** What is told of a new user, once. Plain values, since it may be kept as text for a repeated request. */
export type CreatedApiUser = NewApiUser & { id: string; createdAt: string; secret: string };

/** Inserts a user with its key, and the event that says so. */
export async function insertNewApiUser(
  parts: ApiUserParts,
  tx: Tx,
  caller: Caller<Principal>,
  wanted: NewApiUser,
): Promise<CreatedApiUser> {
  const now = parts.clock.now();
  const id = newId('apiUser', now, parts.randomBytes);
  const user = { ...wanted, id, isActive: true, createdAt: now, updatedAt: now };
  await insertApiUser(tx, user);
  const secret = await insertNewKey(parts, tx, { userId: id, enabled: true });
  await insertAuditEvents(tx, [apiUserEvent(parts, caller, 'created', user)]);
  return { ...wanted, id, createdAt: now.toISOString(), secret };
}

/** Gives a user that has no active key a new one, and returns its secret. */
export async function insertNewKey(
  parts: ApiUserParts,
  tx: Tx,
  wanted: { userId: string; enabled: boolean; lineageId?: string },
): Promise<string> {
  const createdAt = parts.clock.now();
  const id = newId('apiKey', createdAt, parts.randomBytes);
  const secret = newApiKeySecret('apiUser', parts.randomBytes);
  const { prefix = '', suffix = '' } = parseSecret(secret) ?? {};
  const key = { lineageId: id, ...wanted, id, prefix, suffix, createdAt };
  await insertApiUserKey(tx, key, digestSecret(parts.keyring[0], secret));
  return secret;
}

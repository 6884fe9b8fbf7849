import type { ApiUser } from '../../domain/api-user.ts';
import { newId } from '../../domain/ids.ts';
import { type Revokes, revokesNothing } from '../../domain/key-change.ts';
import { digestSecret } from '../../domain/key-digest.ts';
import { newApiKeySecret, parseSecret } from '../../domain/key-format.ts';
import type { RevocationReason } from '../../domain/revocation-reason.ts';
import { insertApiUser, insertApiUserKey, revokeApiUserKey } from '../../stores/postgres/api-users.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import type { Decision } from '../change.ts';
import { type ApiUserParts, apiUserEvent, revokesApiUserKey } from './api-user-parts.ts';

export type NewApiUser = Pick<ApiUser, 'name' | 'email' | 'role'>;

/**
 * Answer about a new user, shown once. Plain values, since it may be stored as text for a repeated
 * request.
 */
export type CreatedApiUser = NewApiUser & { id: string; createdAt: string; secret: string };

/** Inserts a user with its key. */
export async function insertNewApiUser(
  parts: NewKeyParts,
  tx: Tx,
  wanted: NewApiUser,
  now: Date,
): Promise<Decision<CreatedApiUser>> {
  const id = newId('apiUser', now, parts.randomBytes);
  const user = { ...wanted, id, isActive: true, createdAt: now, updatedAt: now };
  await insertApiUser(tx, user);
  const secret = await insertNewKey(parts, tx, { userId: id, enabled: true }, now);
  return {
    answer: { ...wanted, id, createdAt: now.toISOString(), secret },
    events: [apiUserEvent('created', user)],
    revokes: revokesNothing,
  };
}

type NewKeyParts = Pick<ApiUserParts, 'randomBytes' | 'keyring'>;

/** Creates a key for a user without an active one, and returns its secret. */
export async function insertNewKey(
  parts: NewKeyParts,
  tx: Tx,
  wanted: { userId: string; enabled: boolean; lineageId?: string },
  createdAt: Date,
): Promise<string> {
  const id = newId('apiKey', createdAt, parts.randomBytes);
  const secret = newApiKeySecret('apiUser', parts.randomBytes);
  const { prefix = '', suffix = '' } = parseSecret(secret) ?? {};
  const key = { lineageId: id, ...wanted, id, prefix, suffix, createdAt };
  await insertApiUserKey(tx, key, digestSecret(parts.keyring[0], secret));
  return secret;
}

/**
 * Ends the key of a user whose row is locked. A user always has one, under which its calls go on to
 * be counted: its place takes a key whose secret is thrown away here. A rotation gives the user one
 * that works.
 */
export async function replaceByUnknownKey(
  parts: NewKeyParts,
  tx: Tx,
  { id: userId, isActive }: Pick<ApiUser, 'id' | 'isActive'>,
  reason: RevocationReason,
  now: Date,
): Promise<Revokes> {
  const { lineageId, ...old } = await revokeApiUserKey(tx, userId, reason, now);
  await insertNewKey(parts, tx, { userId, enabled: isActive, lineageId }, now);
  return revokesApiUserKey(old);
}

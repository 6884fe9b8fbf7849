import type { ApiUser } from '../../domain/api-user.ts';
import { newId } from '../../domain/ids.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import { digestSecret } from '../../domain/key-digest.ts';
import { newApiKeySecret, parseSecret } from '../../domain/key-format.ts';
import type { RevocationReason } from '../../domain/revocation-reason.ts';
import {
  insertApiUser,
  insertApiUserKey,
  revokeApiUserKey,
  updateApiUser,
} from '../../stores/postgres/api-users.ts';
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
 * Ends the key of a user whose row is locked, with nothing in its place that anybody has. A user
 * always has a key, under which its calls go on to be counted: its place takes one whose secret is
 * thrown away here. A rotation gives the user one that works. An admin is switched off as well,
 * since one who cannot call must not count as the admin who is left.
 */
export async function endKeyOfApiUser(
  parts: NewKeyParts,
  tx: Tx,
  { user, keyId }: { user: ApiUser; keyId: string },
  reason: RevocationReason,
  now: Date,
): Promise<Decision<object>> {
  const isActive = user.isActive && user.role !== 'admin';
  const events = [apiUserEvent('key_revoked', user, { key_id: keyId, reason })];
  if (isActive !== user.isActive) {
    await updateApiUser(tx, { ...user, isActive, updatedAt: now });
    events.push(apiUserEvent('updated', user, { changed: ['isActive'], is_active: isActive }));
  }
  const { lineageId, ...old } = await revokeApiUserKey(tx, user.id, reason, now);
  await insertNewKey(parts, tx, { userId: user.id, enabled: isActive, lineageId }, now);
  return { answer: {}, events, revokes: revokesApiUserKey(old) };
}

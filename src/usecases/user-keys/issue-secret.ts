import type { RandomBytes } from '../../domain/clock.ts';
import { newId } from '../../domain/ids.ts';
import { digestSecret, type KeyDigest, type Keyring } from '../../domain/key-digest.ts';
import { newSecret, parseSecret } from '../../domain/key-format.ts';
import { isMasterKey, type Principal } from '../../domain/principal.ts';
import type { Key, KeySettings } from '../../domain/user-key.ts';

export type Owner = { userId: string; organizationId: string; environment: string };

/**
 * A new key for an owner: the row to store, the secret that is not stored, and its digest.
 * `by`: the caller, who learns the secret.
 */
export function issueSecret(
  parts: { randomBytes: RandomBytes; keyring: Keyring },
  by: Principal,
  wanted: KeySettings & Owner & { lineageId?: string },
  now: Date,
): { secret: string; key: Key; digest: KeyDigest } {
  const secret = newSecret('user', wanted.environment, parts.randomBytes);
  const id = newId('key', now, parts.randomBytes);
  const { userId, organizationId, environment, lineageId = id, ...settings } = wanted;
  const key: Key = {
    ...settings,
    id,
    lineageId,
    keyPrefix: parseSecret(secret)?.prefix ?? '',
    userId,
    organizationId,
    environment,
    mintedBy: isMasterKey(by) ? by.id : null,
    mintNumber: null,
    status: 'active',
    activatedAt: null,
    supersededUntil: null,
    quarantinedUntil: null,
    revokedAt: null,
    revokedReason: null,
    createdAt: now,
    updatedAt: now,
    revision: 1,
  };
  return { secret, key, digest: digestSecret(parts.keyring[0], secret) };
}

/**
 * Answer to the owner, shown once. Plain values, since it may be stored as text for a repeated
 * request.
 */
export type MintedKey = {
  secret: string;
  keyId: string;
  keyPrefix: string;
  createdAt: string;
  expiresAt: string | null;
};

export function toMintedKey(secret: string, key: Key): MintedKey {
  return {
    secret,
    keyId: key.id,
    keyPrefix: key.keyPrefix,
    createdAt: key.createdAt.toISOString(),
    expiresAt: key.expiresAt?.toISOString() ?? null,
  };
}

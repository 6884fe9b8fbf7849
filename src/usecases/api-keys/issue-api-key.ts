import { type ApiKey, defaultEnvironment, platformOrganizationId } from '../../domain/api-key.ts';
import type { RandomBytes } from '../../domain/clock.ts';
import { newId } from '../../domain/ids.ts';
import { digestSecret, type KeyDigest, type Keyring } from '../../domain/key-digest.ts';
import { newApiKeySecret, parseSecret } from '../../domain/key-format.ts';

export type ApiKeyRequest = Pick<ApiKey, 'name' | 'description' | 'scopes' | 'expiresAt'> &
  ({ kind: 'tenant'; organizationId: string; environment: string } | { kind: 'platform'; roleIds: string[] });

export type IssuedApiKey = { secret: string; apiKey: ApiKey; digest: KeyDigest };

/**
 * A new tenant or platform key: the row to store, the secret that is not stored, and its digest.
 */
export function issueApiKey(
  parts: { randomBytes: RandomBytes; keyring: Keyring },
  request: ApiKeyRequest,
  now: Date,
): IssuedApiKey {
  const secret = newApiKeySecret(request.kind, parts.randomBytes);
  const parsed = parseSecret(secret);
  const isTenants = request.kind === 'tenant';
  const apiKey: ApiKey = {
    id: newId('apiKey', now, parts.randomBytes),
    kind: request.kind,
    name: request.name,
    description: request.description,
    keyPrefix: parsed?.prefix ?? '',
    keySuffix: parsed?.suffix ?? '',
    organizationId: isTenants ? request.organizationId : platformOrganizationId,
    environment: isTenants ? request.environment : defaultEnvironment,
    scopes: request.scopes,
    roleIds: isTenants ? [] : request.roleIds,
    status: 'active',
    enabled: true,
    expiresAt: request.expiresAt,
    revokedAt: null,
    revokedReason: null,
    revision: 1,
    createdAt: now,
    updatedAt: now,
  };
  return { secret, apiKey, digest: digestSecret(parts.keyring[0], secret) };
}

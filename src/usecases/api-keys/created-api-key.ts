import type { ApiKey } from '../../domain/api-key.ts';
import type { IssuedApiKey } from './issue-api-key.ts';

/**
 * Answer to a creation, shown once. Plain values, since it may be stored as text for a repeated
 * request.
 */
export type CreatedApiKey = Pick<
  ApiKey,
  'id' | 'kind' | 'name' | 'description' | 'keyPrefix' | 'keySuffix' | 'scopes' | 'roleIds'
> & {
  secret: string;
  organizationId: string;
  environment: string;
  expiresAt: string | null;
  createdAt: string;
};

export function toCreatedApiKey({ secret, apiKey }: Pick<IssuedApiKey, 'secret' | 'apiKey'>): CreatedApiKey {
  const { id, kind, name, description, keyPrefix, keySuffix, scopes, roleIds } = apiKey;
  return {
    ...{ id, kind, name, description, keyPrefix, keySuffix, scopes, roleIds },
    secret,
    organizationId: apiKey.organizationId,
    environment: apiKey.environment,
    expiresAt: apiKey.expiresAt?.toISOString() ?? null,
    createdAt: apiKey.createdAt.toISOString(),
  };
}

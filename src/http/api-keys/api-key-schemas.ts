import { z } from 'zod';
import { type ApiKey, platformOrganizationId } from '../../domain/api-key.ts';
import { startOfPeriod } from '../../domain/usage.ts';
import { statusAt } from '../../domain/user-key.ts';
import type { CreatedApiKey } from '../../usecases/api-keys/created-api-key.ts';
import type { ApiKeyWithUsage } from '../../usecases/api-keys/get-api-key.ts';
import { externalId, timestampText } from '../fields.ts';
import { revokedReason } from '../revocation-reason.ts';

/**
 * Any well-formed id: ids of other kinds of keys are not malformed, there is just no such key here.
 */
export const apiKeyParams = z.strictObject({ id: externalId.describe('The id of a key (ak_…)') });

export const apiKeyStatus = z.enum(['active', 'revoked', 'expired', 'disabled']);

/** Fields of a new key and of one in a list. */
const commonFields = {
  id: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  prefix: z.string().describe('How the secret begins: flkey_… or flplatform_… and its first 8 characters'),
  suffix: z.string().describe('How the secret ends'),
  platform: z.boolean(),
  scopes: z.array(z.string()),
  role_ids: z.array(z.string()).describe('Roles of a platform key: its permissions'),
  environment: z.string().nullable().describe('null for a platform key'),
  organization_id: z.string().nullable().describe('null for a platform key'),
  expires_at: timestampText.nullable(),
  created_at: timestampText,
};

export const createdFields = {
  ...commonFields,
  key: z.string().describe('The secret. It is shown this once and stored nowhere.'),
};

export function toCreatedAnswer({ kind, secret, ...created }: CreatedApiKey) {
  return {
    id: created.id,
    name: created.name,
    description: created.description,
    key: secret,
    prefix: created.keyPrefix,
    suffix: created.keySuffix,
    platform: kind === 'platform',
    scopes: created.scopes,
    role_ids: created.roleIds,
    ...home(created),
    expires_at: created.expiresAt,
    created_at: created.createdAt,
  };
}

export const apiKeyFields = {
  ...commonFields,
  key_masked: z.string(),
  status: apiKeyStatus,
  revoked_at: timestampText.nullable(),
  revoked_reason: revokedReason,
  updated_at: timestampText,
  last_used_at: timestampText.nullable(),
  usage: z.strictObject({
    total_requests: z.int().describe('Accepted verifications'),
    refused_requests: z.int(),
    requests_today: z.int(),
    first_used_at: timestampText.nullable(),
    last_used_at: timestampText.nullable(),
    last_reset: timestampText.describe('Start of the UTC day that requests_today counts'),
  }),
};

/** Answer about a key. Never its secret or digest. */
export function toApiKeyAnswer({ apiKey, usage }: ApiKeyWithUsage, now: Date) {
  const lastUsedAt = usage?.lastUsedAt?.toISOString() ?? null;
  const status = shownStatus(apiKey, now);
  return {
    id: apiKey.id,
    name: apiKey.name,
    description: apiKey.description,
    key_masked: `${apiKey.keyPrefix}…${apiKey.keySuffix}`,
    prefix: apiKey.keyPrefix,
    suffix: apiKey.keySuffix,
    platform: apiKey.kind === 'platform',
    scopes: apiKey.scopes,
    role_ids: apiKey.roleIds,
    ...home(apiKey),
    status,
    expires_at: apiKey.expiresAt?.toISOString() ?? null,
    revoked_at: apiKey.revokedAt?.toISOString() ?? null,
    revoked_reason: shownReason(apiKey, status),
    created_at: apiKey.createdAt.toISOString(),
    updated_at: apiKey.updatedAt.toISOString(),
    last_used_at: lastUsedAt,
    usage: {
      total_requests: usage?.accepted ?? 0,
      refused_requests: usage?.refused ?? 0,
      requests_today: usage?.acceptedToday ?? 0,
      first_used_at: usage?.firstUsedAt?.toISOString() ?? null,
      last_used_at: lastUsedAt,
      last_reset: startOfPeriod('day', now).toISOString(),
    },
  };
}

function home({ organizationId, environment }: { organizationId: string; environment: string }) {
  const isPlatforms = organizationId === platformOrganizationId;
  return isPlatforms
    ? { environment: null, organization_id: null }
    : { environment, organization_id: organizationId };
}

export function shownStatus(apiKey: ApiKey, now: Date): z.output<typeof apiKeyStatus> {
  const status = statusAt({ ...apiKey, supersededUntil: null, quarantinedUntil: null }, now);
  // Keys of these kinds have no grace and no quarantine.
  if (status === 'superseded' || status === 'quarantined') return 'revoked';
  return status === 'active' && !apiKey.enabled ? 'disabled' : status;
}

export function shownReason({ revokedReason }: ApiKey, status: z.output<typeof apiKeyStatus>) {
  return status === 'revoked' ? (revokedReason ?? ('unspecified' as const)) : null;
}

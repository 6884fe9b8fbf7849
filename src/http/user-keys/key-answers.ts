import { z } from 'zod';
import { isWaiting } from '../../domain/key-record.ts';
import { startOfPeriod } from '../../domain/usage.ts';
import { type Key, type KeyStatus, statusAt } from '../../domain/user-key.ts';
import type { MintedKey } from '../../usecases/user-keys/issue-secret.ts';
import type { KeyWithUsage } from '../../usecases/user-keys/key-with-usage.ts';
import { externalId, keyId, timestampText } from '../fields.ts';
import { revokedReason } from '../revocation-reason.ts';
import { settingFields, toSettingsAnswer } from './key-settings.ts';

/** Fields of a minted key, shown once. */
export const mintedFields = {
  key: z.string().describe('The secret. It is shown this once and stored nowhere.'),
  key_id: keyId,
  key_prefix: z.string().describe('fl_user_{environment}_{first 8}, which identifies the key in lists'),
  user_id: externalId,
  organization_id: externalId,
  created_at: timestampText,
};

export function toMinted(minted: MintedKey, owner: { userId: string; organizationId: string }) {
  return {
    key: minted.secret,
    key_id: minted.keyId,
    key_prefix: minted.keyPrefix,
    user_id: owner.userId,
    organization_id: owner.organizationId,
    created_at: minted.createdAt,
  };
}

export const keyFields = {
  key_id: keyId,
  key_prefix: z.string(),
  user_id: z.string(),
  organization_id: z.string(),
  environment: z.string(),
  minted_by: z
    .string()
    .nullable()
    .describe('Master key whose call issued this secret, by a mint or a refresh. Null when it is not known'),
  ...settingFields,
  enabled: z.boolean(),
  status: z
    .enum(['active', 'disabled', 'waiting', 'superseded', 'quarantined', 'revoked', 'expired'])
    .describe('`waiting`: it becomes active at its first accepted use. Lists have no such keys'),
  activated_at: timestampText.nullable().describe('First accepted use of a key that waited for it'),
  superseded_until: timestampText.nullable().describe('End of the grace after a refresh'),
  quarantined_until: timestampText
    .nullable()
    .describe('End of the time in which a key that was reported as leaked can be released'),
  revoked_at: timestampText.nullable(),
  revoked_reason: revokedReason,
  created_at: timestampText,
  updated_at: timestampText,
  usage: z.strictObject({
    total_requests: z.int().describe('Accepted verifications, those of its predecessors included'),
    refused_requests: z.int(),
    requests_today: z.int(),
    first_used_at: timestampText.nullable(),
    last_used_at: timestampText.nullable(),
    last_reset: timestampText.describe('Start of the UTC day that requests_today counts'),
  }),
};

/** Answer about a key. Never its secret or digest. */
export function toKeyAnswer({ key, usage }: KeyWithUsage, now: Date) {
  const status = statusAt(key, now);
  return {
    key_id: key.id,
    key_prefix: key.keyPrefix,
    user_id: key.userId,
    organization_id: key.organizationId,
    environment: key.environment,
    minted_by: key.mintedBy,
    ...toSettingsAnswer(key),
    enabled: key.enabled,
    status: shownStatus(key, status),
    activated_at: key.activatedAt?.toISOString() ?? null,
    superseded_until: key.supersededUntil?.toISOString() ?? null,
    quarantined_until: status === 'quarantined' ? (key.quarantinedUntil?.toISOString() ?? null) : null,
    revoked_at: key.revokedAt?.toISOString() ?? null,
    revoked_reason: status === 'revoked' ? (key.revokedReason ?? ('unspecified' as const)) : null,
    created_at: key.createdAt.toISOString(),
    updated_at: key.updatedAt.toISOString(),
    usage: {
      total_requests: usage?.accepted ?? 0,
      refused_requests: usage?.refused ?? 0,
      requests_today: usage?.acceptedToday ?? 0,
      first_used_at: usage?.firstUsedAt?.toISOString() ?? null,
      last_used_at: usage?.lastUsedAt?.toISOString() ?? null,
      last_reset: startOfPeriod('day', now).toISOString(),
    },
  };
}

function shownStatus(key: Key, status: KeyStatus): KeyStatus | 'disabled' | 'waiting' {
  if (status !== 'active') return status;
  if (!key.enabled) return 'disabled';
  return isWaiting(key) ? 'waiting' : 'active';
}

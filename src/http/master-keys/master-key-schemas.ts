import { z } from 'zod';
import { idPattern } from '../../domain/ids.ts';
import { mintPeriods } from '../../domain/mint-bounds.ts';
import { numberRanges } from '../../domain/number-ranges.ts';
import { masterKeyPermissions } from '../../domain/permission.ts';
import type { CreatedMasterKey } from '../../usecases/master-keys/issue-master-key.ts';
import type { MasterKeyView } from '../../usecases/master-keys/master-key-view.ts';
import { endTime, environmentSlug, externalId, intIn, ipAllowlist, name, timestampText } from '../fields.ts';
import { revokedReason } from '../revocation-reason.ts';

export const masterKeyId = z.strictObject({
  id: z.string().regex(idPattern('masterKey'), 'must be a master key id (flm_…)'),
});

const permissions = z.array(z.enum(masterKeyPermissions));

/** Maximum length of an allow-list, which every request scans. */
const listedMax = 100;

const bound = intIn(numberRanges.mintBound);

export const settingFields = {
  mint_quota: z
    .strictObject({ limit: bound, period: z.enum(mintPeriods) })
    .nullable()
    .describe('Keys that it may mint in a minute, hour or day of UTC; beyond, a mint is 429 `RATE_LIMITED`'),
  living_keys_max: bound
    .nullable()
    .describe(
      'Active keys that it may have minted at a time; beyond, a mint is 403 `MINT_QUOTA_EXCEEDED`. A key and its predecessors in grace are one',
    ),
  key_age_seconds_max: intIn(numberRanges.keyAgeSeconds)
    .nullable()
    .describe(
      'Age at which a key that it issued is due for a refresh: it stands in the hygiene report, and does not end. A policy of the organization may set a lower one',
    ),
};

export const masterKeyBody = z.strictObject({
  name,
  permissions: permissions
    .min(1)
    .transform((all) => [...new Set(all)])
    .optional()
    .describe('All of them unless set'),
  organization_ids: z.array(externalId).min(1).max(listedMax).nullable().optional(),
  environments: z.array(environmentSlug).min(1).max(listedMax).nullable().optional(),
  ip_allowlist: ipAllowlist.nullable().optional(),
  expires_at: endTime.nullable().optional(),
  ...z.strictObject(settingFields).partial().shape,
});

export const masterKeyFields = {
  id: z.string().describe('`flm_…`'),
  name: z.string(),
  key_prefix: z
    .string()
    .nullable()
    .describe('Null for an operator-chosen secret: no part of it may be shown; and for a certificate rule'),
  certificate: z
    .string()
    .nullable()
    .describe('Of a certificate rule: the SPIFFE id or subject of the client certificates that it admits'),
  workload_token: z
    .strictObject({ issuer: z.string(), audience: z.string(), subject: z.string() })
    .nullable()
    .describe('Of a token rule: the issuer, audience and subject of the tokens that it admits'),
  permissions,
  organization_ids: z.array(z.string()).nullable().describe('Null: all'),
  environments: z.array(z.string()).nullable().describe('Null: all'),
  ip_allowlist: z.array(z.string()).nullable().describe('Null: from anywhere'),
  status: z.enum(['active', 'expired', 'revoked']),
  expires_at: timestampText.nullable(),
  revoked_at: timestampText.nullable(),
  revoked_reason: revokedReason,
  created_at: timestampText,
  last_used_at: timestampText.nullable().describe('Time of the last use, up to ten seconds late'),
  ...settingFields,
  living_count: z
    .int()
    .describe('Number of active keys that it minted, up to two minutes late for expired ones'),
  minted_count: z.int().describe('Number of keys that it minted, ended ones included'),
};

export const createdMasterKey = z.strictObject({
  ...masterKeyFields,
  key: z.string().describe('The secret. It is shown this once and stored nowhere.'),
});

export function toMasterKeyAnswer(masterKey: MasterKeyView) {
  return {
    id: masterKey.id,
    name: masterKey.name,
    key_prefix: masterKey.keyPrefix,
    // A stored answer of an earlier release has none.
    certificate: masterKey.certificate ?? null,
    workload_token: masterKey.token ?? null,
    permissions: masterKey.permissions,
    organization_ids: masterKey.organizationIds,
    environments: masterKey.environments,
    ip_allowlist: masterKey.ipAllowlist,
    status: masterKey.status,
    expires_at: masterKey.expiresAt,
    revoked_at: masterKey.revokedAt,
    revoked_reason: masterKey.status === 'revoked' ? (masterKey.revokedReason ?? 'unspecified') : null,
    created_at: masterKey.createdAt,
    last_used_at: masterKey.lastUsedAt,
    mint_quota: masterKey.mintQuota ?? null,
    living_keys_max: masterKey.livingKeysMax ?? null,
    key_age_seconds_max: masterKey.keyAgeSecondsMax ?? null,
    living_count: masterKey.livingCount ?? 0,
    minted_count: masterKey.mintedCount,
  };
}

export function toCreatedAnswer({ masterKey, secret }: CreatedMasterKey) {
  return { ...toMasterKeyAnswer(masterKey), key: secret };
}

import { z } from 'zod';
import type { AppliedChange } from '../../domain/key-change.ts';
import type { KeyRecord } from '../../domain/key-record.ts';
import { settingFields } from '../user-keys/key-schemas.ts';

export const verifierParams = z.strictObject({ verifier_id: z.uuid() });

/** A place in the feed of changes. */
export const seq = z.int().min(0);

const changeFields = {
  kind: z.enum(['key', 'master_key', 'organization']),
  subject_id: z.string(),
  revision: z.int(),
  status: z.string().nullable().describe('The new status of an organization; null for keys'),
};

export const recentChange = z.strictObject(changeFields);
export const change = z.strictObject({ seq, ...changeFields });

export function toRecentChange({ kind, subjectId, revision, status }: AppliedChange) {
  return { kind, subject_id: subjectId, revision, status };
}

const { scopes, metadata, rate_limit, quota, ip_allowlist } = settingFields;

export const keyRecord = z
  .strictObject({
    id: z.string(),
    revision: z.int(),
    lineage_id: z.string(),
    user_id: z.string(),
    organization_id: z.string(),
    environment: z.string(),
    status: z.enum(['active', 'superseded', 'revoked', 'expired']),
    enabled: z.boolean(),
    expires_at_ms: z.number().nullable(),
    superseded_until_ms: z.number().nullable(),
    scopes,
    metadata,
    rate_limit,
    quota,
    ip_allowlist,
  })
  .meta({ id: 'KeyRecord', description: 'All that a verification decides from. Never the secret.' });

export function toKeyRecordAnswer(record: KeyRecord): z.input<typeof keyRecord> {
  return {
    id: record.id,
    revision: record.revision,
    lineage_id: record.lineageId,
    user_id: record.userId,
    organization_id: record.organizationId,
    environment: record.environment,
    status: record.status,
    enabled: record.enabled,
    expires_at_ms: record.expiresAtMs,
    superseded_until_ms: record.supersededUntilMs,
    scopes: record.scopes,
    metadata: record.metadata,
    rate_limit: record.rateLimit,
    quota: record.quota,
    ip_allowlist: record.ipAllowlist,
  };
}

import { z } from 'zod';
import type { ToldChange } from '../../domain/key-change.ts';
import { settingFields } from '../user-keys/key-settings.ts';

export const verifierParams = z.strictObject({ verifier_id: z.uuid() });

/** Position in the change feed. */
export const seq = z.int().min(0);

const changeFields = {
  kind: z
    .enum([
      'key',
      'master_key',
      'organization',
      'stop_minted_by',
      'stop_user',
      'stop_organization',
      'stop_unnamed',
    ])
    .describe('The kinds of stops are told over the stream alone'),
  subject_id: z.string(),
  revision: z.int().describe('Of a stop: the number in the order of mints below which keys are stopped'),
  status: z
    .string()
    .nullable()
    .describe('The new status of an organization; of a stop, the time before which its keys were created'),
};

export const recentChange = z.strictObject(changeFields);
export const change = z.strictObject({ seq, ...changeFields });

export function toRecentChange({ kind, subjectId, revision, status }: ToldChange) {
  return { kind, subject_id: subjectId, revision, status };
}

/** Verification does not need the name, and has the expiry as a number. */
const { name: _name, expires_at: _expiresAt, ...decidingSettings } = settingFields;

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
    quarantined_until_ms: z
      .number()
      .nullable()
      .describe('End of the quarantine of a quarantined key, whose status is `revoked`'),
    superseded_by: z.string().nullable(),
    superseded_at_ms: z.number().nullable(),
    minter: z.string().nullable().describe('Short name of the master key that minted it'),
    mint_number: z.int().describe('Number in the order of mints'),
    created_at_ms: z.number(),
    ...decidingSettings,
  })
  .meta({ id: 'KeyRecord', description: 'All inputs of a verification decision. Never the secret.' });

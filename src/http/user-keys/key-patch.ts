import { z } from 'zod';
import type { KeySettings } from '../../domain/user-key.ts';
import { mergePatch } from '../merge-patch.ts';
import { validate } from '../validate.ts';
import { updateBody } from './key-schemas.ts';
import { toSettings } from './key-settings.ts';

export type KeyPatch = {
  replaced: Partial<KeySettings>;
  /** Changes that depend on the current settings. */
  mergeInto: (current: KeySettings) => Partial<KeySettings>;
};

const mustChange = 'must change something';

/** `application/json`: each named member is replaced as a whole. */
export const keyPatch = updateBody.transform(
  (body): KeyPatch => ({ replaced: toSettings(body), mergeInto: () => ({}) }),
);

const { metadata, rate_limit, quota, ...plainMembers } = updateBody.shape;
const nestedMembers = z.strictObject({ metadata, rate_limit, quota });
const limitMembers = z.record(z.string(), z.union([z.string(), z.number(), z.null()]));

/**
 * `application/merge-patch+json` (RFC 7396): `metadata`, `rate_limit` and `quota` are merged with
 * the current ones, and null removes a member.
 */
export const keyMergePatch = z
  .strictObject({
    ...plainMembers,
    metadata,
    rate_limit: limitMembers.nullable().optional(),
    quota: limitMembers.nullable().optional(),
  })
  .refine((patch) => Object.keys(patch).length > 0, mustChange)
  .transform(
    ({ metadata, rate_limit, quota, ...replaced }): KeyPatch => ({
      replaced: toSettings(replaced),
      mergeInto: (current) =>
        toSettings(validate(nestedMembers, merged(current, { metadata, rate_limit, quota }))),
    }),
  );

type Nested = { metadata?: unknown; rate_limit?: unknown; quota?: unknown };

function merged({ metadata, rateLimit, quota }: KeySettings, patch: Nested): Nested {
  return {
    ...(patch.metadata !== undefined && { metadata: mergePatch(metadata, patch.metadata) }),
    ...(patch.rate_limit !== undefined && { rate_limit: mergePatch(rateLimit, patch.rate_limit) }),
    ...(patch.quota !== undefined && { quota: mergePatch(quota, patch.quota) }),
  };
}

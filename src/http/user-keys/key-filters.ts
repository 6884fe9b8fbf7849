import { z } from 'zod';
import { idPattern } from '../../domain/ids.ts';
import { scopePattern } from '../../domain/scope.ts';
import type { KeySelection } from '../../usecases/user-keys/keys-page.ts';
import { environmentSlug, externalId, timeOf } from '../fields.ts';

/**
 * `fl_user_{environment}_{8}` or a prefix of it. More would be a part of the secret, which must not
 * be in a URL.
 */
const prefixPattern = /^(?!fl_user_[a-z0-9]{1,16}_[0-9A-Za-z]{9})[0-9A-Za-z_]{1,33}$/;

const masterKeyId = z.string().regex(idPattern('masterKey'), 'must be a master key id (flm_…)');
const scope = z.string().regex(scopePattern, 'must be 1 to 128 of A-Z a-z 0-9 _ . : / * -');

const unusedSinceMeans =
  'Keys older than this without an accepted call since. A use is known some seconds later.';
const neverUsedMeans = 'Whether no call was ever accepted. A use is known some seconds later';

/** Filters that lists and bulk orders share; they narrow together. */
const sharedFilters = {
  user_id: externalId.optional(),
  organization_id: externalId.optional(),
  environment: environmentSlug.optional(),
  minted_by: masterKeyId.optional().describe('Id of the master key that minted or refreshed it'),
  created_before: timeOf('Created before this time.'),
  created_after: timeOf('Created at this time or later.'),
  unused_since: timeOf(unusedSinceMeans),
  scope: scope.optional().describe('One of its scopes, exactly'),
};

/** In a body. */
export const bulkFilters = { ...sharedFilters, never_used: z.boolean().optional().describe(neverUsedMeans) };

/** In a query, where a flag is text. */
export const listFilters = {
  ...sharedFilters,
  never_used: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .describe(neverUsedMeans),
  expires_before: timeOf('Expires before this time.'),
  prefix: z
    .string()
    .regex(prefixPattern, 'must be the beginning of a key_prefix, never more of a key')
    .optional()
    .describe('Prefix of `key_prefix`'),
};

const bulkFilter = z.strictObject(bulkFilters);
const listFilter = z.strictObject(listFilters);

/** The filters in our own names. */
export function toSelection(filter: z.output<typeof bulkFilter> | z.output<typeof listFilter>): KeySelection {
  return {
    userId: filter.user_id,
    organizationId: filter.organization_id,
    environment: filter.environment,
    mintedBy: filter.minted_by,
    createdBefore: filter.created_before,
    createdAfter: filter.created_after,
    unusedSince: filter.unused_since,
    neverUsed: filter.never_used,
    scope: filter.scope,
    ...('prefix' in filter && { prefix: filter.prefix }),
    ...('expires_before' in filter && { expiresBefore: filter.expires_before }),
  };
}

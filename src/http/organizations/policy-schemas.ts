import { z } from 'zod';
import { numberRanges } from '../../domain/number-ranges.ts';
import { type PolicyVersion, policyRules, refusedDefaults } from '../../domain/organization-policy.ts';
import { quotaPeriods } from '../../domain/user-key.ts';
import { environmentSlug, intIn, policyScopes } from '../fields.ts';
import { quota, rateLimit } from '../user-keys/key-settings.ts';

const ttlSeconds = intIn(numberRanges.ttlSeconds).optional();

/** The policy document, as it is sent, stored and shown. */
export const policyDocument = z
  .strictObject({
    ttl_seconds_max: ttlSeconds.describe(
      'Longest time from the issue of a secret to its end. A key without an end breaks the rule',
    ),
    ttl_seconds_default: ttlSeconds.describe('End of a new secret that asks for none'),
    expiry_required: z.boolean().optional().describe('Every key has an end'),
    key_age_seconds_max: intIn(numberRanges.keyAgeSeconds)
      .optional()
      .describe(
        'Age at which a key is due for a refresh: it stands in the hygiene report. It refuses nothing and ends no key',
      ),
    rate_limit_max: z
      .strictObject({
        limit: intIn(numberRanges.rateLimit),
        window_seconds: intIn(numberRanges.rateLimitWindowSeconds),
      })
      .optional()
      .describe(
        'Most that a rate limit may allow. One with a longer window keeps the same `limit`; one with a shorter window keeps it when its windows are added up. A key without a rate limit breaks the rule',
      ),
    rate_limit_default: rateLimit.optional().describe('Rate limit of a new secret that asks for none'),
    quota_max: z
      .strictObject({ limit: intIn(numberRanges.quota), period: z.enum(quotaPeriods) })
      .optional()
      .describe(
        'Most that a quota may allow; a quota of a day counts 31 times in a month. A key without a quota breaks the rule',
      ),
    quota_default: quota.optional().describe('Quota of a new secret that asks for none'),
    allowed_scopes: policyScopes.optional().describe('Scopes that a key may have. An empty list allows none'),
    allowed_environments: z
      .array(environmentSlug)
      .min(1)
      .max(64)
      .optional()
      .describe('Environments that a key may work in'),
  })
  .refine((policy) => Object.keys(policy).length > 0, 'must have a rule; DELETE takes the policy away')
  .superRefine((policy, context) => {
    for (const field of refusedDefaults(policy)) {
      context.addIssue({ code: 'custom', path: [field], message: 'is beyond what the policy allows' });
    }
  });

export const policyRule = z.enum(policyRules);

export const policyAnswer = z.strictObject({
  policy: policyDocument.nullable().describe('null when there is none'),
  version: z.string().nullable().describe('Changes with the document'),
});

export function toPolicyAnswer({ policy, version }: PolicyVersion) {
  return { policy, version };
}

import { z } from 'zod';
import { checkCodes } from '../../domain/explanation.ts';
import { numberRanges } from '../../domain/number-ranges.ts';
import { verdictCodes } from '../../domain/verdict.ts';
import type { RequestOrigin } from '../../verify/last-refusals.ts';
import type { VerifyRequest } from '../../verify/verify-key.ts';
import { environmentSlug, externalId, intIn, scopes, timestampText } from '../fields.ts';
import { openEnum } from '../open-enum.ts';

export const verifyKeyPath = '/v1/flowplate/api-keys/verify';

export const verifyBody = z.strictObject({
  key: z.string().describe('The key that the end client sent. One that cannot be a key is MALFORMED'),
  scopes: scopes.optional().describe('The key must have all of these'),
  organization_id: externalId.optional(),
  environment: environmentSlug.optional(),
  ip: z
    .string()
    .optional()
    .describe(
      "The end client's address as the gateway has it; port, brackets and quotes are dropped. Keys that have an ip_allowlist need it: for them, text that is no address is IP_NOT_ALLOWED.",
    ),
  cost: intIn(numberRanges.cost).optional().describe('Cost of this call for limits and quota; 1 unless set'),
  explain: z
    .boolean()
    .optional()
    .describe(
      'Answers with every check as well, spends nothing and counts nothing. Needs the permission `keys:explain` besides.',
    ),
});

export const verifyBatchBody = z.strictObject({ keys: z.array(verifyBody).min(1).max(100) });

export function toVerifyRequest(body: z.output<typeof verifyBody>, from: RequestOrigin): VerifyRequest {
  const { organization_id: organizationId, explain: _, ...asked } = body;
  return { ...asked, organizationId, from };
}

const limitState = {
  limit: z.int(),
  remaining: z.int().nullable(),
  reset_at: timestampText.nullable(),
  enforced: z
    .union([z.boolean(), z.literal('local')])
    .describe(
      'true: counted for all. "local": the counters could not be reached, and this process enforces its share of what was left. false: neither, because the key says `on_unavailable: "allow"`',
    ),
};

const check = z
  .strictObject({
    check: openEnum(checkCodes).describe('The code that this check refuses with'),
    result: z
      .enum(['passed', 'failed', 'not_reached'])
      .describe(
        'not_reached: there was nothing to look at, since the key is not known, or since `at` asks about limits of another time',
      ),
    asked: z.unknown().describe('What the request wanted; null for nothing in particular'),
    has: z.unknown().describe('What the key has; null when it has nothing of the kind'),
  })
  .meta({ id: 'VerdictCheck' });

/** In the order in which they are decided: the first that failed is the verdict. */
const checks = z.array(check);

/** Further fields are there when `valid` is true. */
const verdictFields = {
  valid: z.boolean(),
  code: openEnum(verdictCodes).describe('Expect further codes'),
  key_id: z.string().optional(),
  user_id: z.string().optional(),
  organization_id: z.string().optional(),
  environment: z.string().optional(),
  scopes: z.array(z.string()).readonly().optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  expires_at: timestampText.nullable().optional(),
  superseded_by: z
    .string()
    .optional()
    .describe('With the code SUPERSEDED: the key that this one was refreshed into'),
  superseded_at: timestampText.optional().describe('When that was'),
  superseded_until: timestampText.optional().describe('The end of the grace'),
  rate_limit: z.strictObject({ ...limitState, window_seconds: z.int() }).optional(),
  quota: z.strictObject({ ...limitState, period: z.string() }).optional(),
};

export const verdictAnswer = z
  .strictObject({ ...verdictFields, checks: checks.optional().describe('Only with `explain`') })
  .meta({ id: 'Verdict' });

export const explanationAnswer = z.strictObject({ ...verdictFields, checks }).meta({ id: 'Explanation' });

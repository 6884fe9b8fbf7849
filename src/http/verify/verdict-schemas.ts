import { z } from 'zod';
import { numberRanges } from '../../domain/number-ranges.ts';
import { verdictCodes } from '../../domain/verdict.ts';
import type { VerifyRequest } from '../../verify/verify-key.ts';
import { environmentSlug, externalId, intIn, scopes, timestampText } from '../fields.ts';
import { openEnum } from '../open-enum.ts';

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
});

export function toVerifyRequest(body: z.output<typeof verifyBody>): VerifyRequest {
  const { organization_id: organizationId, ...asked } = body;
  return { ...asked, organizationId };
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

/** Further fields are present when `valid` is true. */
export const verdictAnswer = z
  .strictObject({
    valid: z.boolean(),
    code: openEnum(verdictCodes).describe('Expect further codes'),
    key_id: z.string().optional(),
    user_id: z.string().optional(),
    organization_id: z.string().optional(),
    environment: z.string().optional(),
    scopes: z.array(z.string()).readonly().optional(),
    metadata: z.record(z.string(), z.unknown()).optional(),
    expires_at: timestampText.nullable().optional(),
    rate_limit: z.strictObject({ ...limitState, window_seconds: z.int() }).optional(),
    quota: z.strictObject({ ...limitState, period: z.string() }).optional(),
  })
  .meta({ id: 'Verdict' });

import { z } from 'zod';
import { errorCodes } from '../../src/domain/errors.ts';
import { idempotencyKeyLengthMax } from '../../src/domain/idempotency.ts';
import { policyRules } from '../../src/domain/organization-policy.ts';
import { openEnum } from '../../src/http/open-enum.ts';
import { errorExample } from './examples.ts';

const violation = z.strictObject({
  path: z.string(),
  message: z.string(),
  rule: openEnum(policyRules).optional().describe("Rule of the organization's policy that is broken"),
  allowed: z.unknown().optional().describe('Value of that rule'),
  asked: z.unknown().optional().describe('The value that breaks it; null when there is none'),
});

const details = z
  .union([z.record(z.string(), z.unknown()), z.array(violation)])
  .describe('Machine-readable; for VALIDATION_ERROR the list of violations');

export const errorEnvelope = z
  .strictObject({
    success: z.literal(false),
    error: z.strictObject({
      code: openEnum(errorCodes),
      message: z.string().describe('For people'),
      system_message: z.string().describe('For the calling engineer'),
      type: z.string(),
      status: z.int(),
      trace_id: z
        .string()
        .describe('The id of the trace where the broker traces, else the x-request-id of the answer'),
      timestamp: z.iso.datetime(),
      details,
    }),
  })
  .meta({ id: 'Error', examples: [errorExample] });

export const problemDetails = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: openEnum(errorCodes),
    error_type: z.string(),
    trace_id: z.string(),
    timestamp: z.iso.datetime(),
    details,
  })
  .meta({ id: 'Problem', description: 'The same error as RFC 9457, with Accept: application/problem+json' });

export const idempotencyHeader = z.object({
  'Idempotency-Key': z
    .string()
    .min(1)
    .max(idempotencyKeyLengthMax)
    .optional()
    .describe(
      'Repeating the request under the same key within 24 hours gives the same answer, the secret included',
    ),
});

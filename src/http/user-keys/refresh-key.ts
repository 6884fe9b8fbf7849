import { z } from 'zod';
import { numberRanges } from '../../domain/number-ranges.ts';
import { type RefreshParts, refreshKey } from '../../usecases/user-keys/refresh-key.ts';
import { masterKey } from '../access/master-key.ts';
import { environmentSlug, externalId, intIn, noQuery, timestampText } from '../fields.ts';
import { propagationFields, toPropagation } from '../propagation.ts';
import { defineRoute } from '../route.ts';
import { mintedFields, toMinted } from './key-answers.ts';
import { endFields, endOf, hasAtMostOneEnd, twoEnds } from './key-schemas.ts';

export const refreshKeyRoute = defineRoute({
  method: 'post',
  path: '/v1/flowplate/api-keys/:user_id/:org_id/refresh',
  operationId: 'refreshKey',
  summary: 'Replace a key by a new one',
  description:
    'The old key is refused at once, with all its predecessors in grace. With `grace_period_seconds` it is accepted that much longer, but never past its own expiry. At most 30 predecessors are in their grace; one more ends the one whose grace ends first. Settings, usage history and quota carry over; `expires_at` or `ttl_seconds` sets a new end. With one of them, a key that expired at most 30 days ago is renewed, unless it was revoked since. Two refreshes at once both succeed, one after the other, and the last key works.',
  access: masterKey('keys:refresh'),
  params: z.strictObject({ user_id: externalId, org_id: externalId }),
  query: noQuery,
  body: z
    .strictObject({
      grace_period_seconds: intIn(numberRanges.gracePeriodSeconds).default(0),
      ...endFields,
      environment: environmentSlug.optional().describe("The deployment's own unless set"),
    })
    .refine(hasAtMostOneEnd, twoEnds),
  success: { 200: 'Refreshed. The new secret is in this answer and nowhere else.' },
  answer: z.strictObject({
    success: z.literal(true),
    message: z.string(),
    new_key: z.strictObject({
      ...mintedFields,
      expires_at: timestampText.optional().describe('Present when the key has an end'),
    }),
    ...propagationFields,
  }),
  errors: ['KEY_NOT_FOUND', 'ORGANIZATION_SUSPENDED', 'MINT_QUOTA_EXCEEDED'],
  idempotent: true,
  async handle(parts: RefreshParts & { environment: string }, { params, body, caller, idempotency }) {
    const owner = {
      userId: params.user_id,
      organizationId: params.org_id,
      environment: body.environment ?? parts.environment,
    };
    const newEnd = endOf(body, parts.clock.now());
    const request = { ...owner, gracePeriodSeconds: body.grace_period_seconds, newEnd };
    const { minted, propagation, isReplay } = await refreshKey(parts, caller, request, idempotency);
    return {
      status: 200,
      body: {
        success: true as const,
        message: 'API key refreshed',
        new_key: {
          ...toMinted(minted, owner),
          ...(minted.expiresAt !== null && { expires_at: minted.expiresAt }),
        },
        ...toPropagation(propagation),
      },
      ...(isReplay && { headers: { 'Idempotency-Replayed': 'true' } }),
    };
  },
});

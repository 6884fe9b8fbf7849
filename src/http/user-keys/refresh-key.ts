import { z } from 'zod';
import { numberRanges } from '../../domain/number-ranges.ts';
import { defaultFirstUseGraceSeconds } from '../../domain/waiting-key.ts';
import { type RefreshParts, refreshKey } from '../../usecases/user-keys/refresh-key.ts';
import { masterKey } from '../access/master-key.ts';
import { environmentSlug, externalId, intIn, keyId, noQuery, timestampText } from '../fields.ts';
import { propagationFields, toPropagation } from '../propagation.ts';
import { defineRoute } from '../route.ts';
import { mintedFields, toMinted } from './key-answers.ts';
import { endFields, endOf, hasAtMostOneEnd, twoEnds } from './key-schemas.ts';

const defaultGraceSeconds = { immediately: 0, on_first_use: defaultFirstUseGraceSeconds };

function hasLongGrace(body: { activate: string; grace_period_seconds?: number | undefined }): boolean {
  const seconds = body.grace_period_seconds ?? numberRanges.firstUseGraceSeconds.min;
  return body.activate === 'immediately' || seconds >= numberRanges.firstUseGraceSeconds.min;
}

const shortGrace = {
  path: ['grace_period_seconds'],
  message: `With on_first_use at least ${numberRanges.firstUseGraceSeconds.min}: every verifier must know the end of the old key before it comes`,
};

export const refreshKeyRoute = defineRoute({
  method: 'post',
  path: '/v1/flowplate/api-keys/:user_id/:org_id/refresh',
  operationId: 'refreshKey',
  summary: 'Replace a key by a new one',
  description:
    'The old key is refused at once, with all its predecessors in grace. With `grace_period_seconds` it is accepted that much longer, but never past its own expiry. At most 30 predecessors are in their grace; one more ends the one whose grace ends first. Settings, usage history and quota carry over; `expires_at` or `ttl_seconds` sets a new end. With one of them, a key that expired at most 30 days ago is renewed, unless it was revoked since. Two refreshes at once both succeed, one after the other, and the last key works.\n\nWith `activate: "on_first_use"` the old key works on as it is until a verification first accepts the new one. That makes the new key the active one and begins the grace of the old key, in one transaction before the answer. The old key ends after 30 days in any case, `waiting.previous_until`, or at its own expiry before that. Another refresh takes the place of the waiting key; a revoke of the old key ends both. A key that has expired has no use to wait with: its successor is active at once, and there is no `waiting`.',
  access: masterKey('keys:refresh'),
  params: z.strictObject({ user_id: externalId, org_id: externalId }),
  query: noQuery,
  body: z
    .strictObject({
      grace_period_seconds: intIn(numberRanges.gracePeriodSeconds)
        .optional()
        .describe(
          '0 unless set. With `activate: "on_first_use"` at least 120, the longest lease of a verifier, and 3600 unless set',
        ),
      activate: z
        .enum(['immediately', 'on_first_use'])
        .default('immediately')
        .describe('When the new key takes the place of the old one'),
      ...endFields,
      environment: environmentSlug.optional().describe("The deployment's own unless set"),
    })
    .refine(hasAtMostOneEnd, twoEnds)
    .refine(hasLongGrace, shortGrace),
  success: { 200: 'Refreshed. The new secret is in this answer and nowhere else.' },
  answer: z.strictObject({
    success: z.literal(true),
    message: z.string(),
    new_key: z.strictObject({
      ...mintedFields,
      expires_at: timestampText.optional().describe('Present when the key has an end'),
    }),
    waiting: z
      .strictObject({
        previous_key_id: keyId.describe('The key that works until then'),
        grace_period_seconds: z.int().describe('How long that key works on after the first use'),
        previous_until: timestampText.describe('When that key ends at the latest'),
      })
      .optional()
      .describe('Present while the new key waits for its first use'),
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
    const { activate, grace_period_seconds: gracePeriodSeconds = defaultGraceSeconds[activate] } = body;
    const request = { ...owner, gracePeriodSeconds, newEnd, activate };
    const { minted, waiting, propagation, isReplay } = await refreshKey(parts, caller, request, idempotency);
    return {
      status: 200,
      body: {
        success: true as const,
        message: 'API key refreshed',
        new_key: {
          ...toMinted(minted, owner),
          ...(minted.expiresAt !== null && { expires_at: minted.expiresAt }),
        },
        ...(waiting !== undefined && {
          waiting: {
            previous_key_id: waiting.previousKeyId,
            grace_period_seconds: waiting.gracePeriodSeconds,
            previous_until: waiting.previousUntil,
          },
        }),
        ...toPropagation(propagation),
      },
      ...(isReplay && { headers: { 'Idempotency-Replayed': 'true' } }),
    };
  },
});

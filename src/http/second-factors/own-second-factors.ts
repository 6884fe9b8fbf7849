import { z } from 'zod';
import { idPattern } from '../../domain/ids.ts';
import { enrolledKinds, secondFactorSettings } from '../../domain/second-factor.ts';
import { listOwnSecondFactors } from '../../usecases/second-factors/list-own-second-factors.ts';
import { removeSecondFactor } from '../../usecases/second-factors/remove-second-factor.ts';
import { renewRecoveryCodes } from '../../usecases/second-factors/renew-recovery-codes.ts';
import type { SecondFactorParts } from '../../usecases/second-factors/second-factor-changes.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noParams, noQuery, timestampText } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { recoveryCodesAnswer, replayHeader } from './second-factor-schemas.ts';

export const listSecondFactorsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/auth/second-factors',
  operationId: 'listOwnSecondFactors',
  summary: "List one's own second factors",
  description: "With the deployment's setting, and how many recovery codes are left. Never a secret.",
  access: platformCaller('nothing', 'own'),
  params: noParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'The second factors.' },
  answer: z.strictObject({
    setting: z.enum(secondFactorSettings),
    factors: z.array(
      z.strictObject({
        id: z.string(),
        kind: z.enum(enrolledKinds),
        name: z.string(),
        created_at: timestampText,
        last_used_at: timestampText.nullable(),
      }),
    ),
    recovery_codes_left: z.int(),
  }),
  errors: [],
  async handle(parts: Parameters<typeof listOwnSecondFactors>[0], { caller }) {
    const { setting, factors, recoveryCodesLeft } = await listOwnSecondFactors(parts, caller.principal);
    return {
      status: 200,
      body: {
        setting,
        factors: factors.map(({ id, kind, name, createdAt, lastUsedAt }) => ({
          ...{ id, kind, name },
          created_at: createdAt.toISOString(),
          last_used_at: lastUsedAt?.toISOString() ?? null,
        })),
        recovery_codes_left: recoveryCodesLeft,
      },
    };
  },
});

export const removeSecondFactorRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/platform/auth/second-factors/:id',
  operationId: 'removeSecondFactor',
  summary: "Remove one of one's own second factors",
  description:
    'With the last one the recovery codes go too, and the password alone lets in again, where the deployment does not require a second factor.',
  access: platformCaller('nothing', 'own'),
  params: z.strictObject({
    id: z.string().regex(idPattern('secondFactor'), 'must be the id of a second factor (sf_…)'),
  }),
  query: noQuery,
  body: noBody,
  success: { 200: 'Removed.' },
  answer: z.strictObject({ success: z.literal(true) }),
  errors: ['STEP_UP_REQUIRED', 'SESSION_NOT_FOUND', 'SECOND_FACTOR_NOT_FOUND'],
  async handle(parts: SecondFactorParts, { params, caller }) {
    await removeSecondFactor(parts, caller, params.id);
    return { status: 200, body: { success: true as const } };
  },
});

export const renewRecoveryCodesRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/auth/recovery-codes',
  operationId: 'renewRecoveryCodes',
  summary: 'Make ten new recovery codes',
  description: 'The earlier ones are void.',
  access: platformCaller('nothing', 'own'),
  params: noParams,
  query: noQuery,
  body: noBody,
  success: { 201: 'Made. The codes are in this answer and nowhere else.' },
  answer: recoveryCodesAnswer,
  errors: ['STEP_UP_REQUIRED', 'SECOND_FACTORS_OFF', 'SESSION_NOT_FOUND', 'SECOND_FACTOR_NOT_FOUND'],
  idempotent: true,
  async handle(parts: SecondFactorParts, { caller, idempotency }) {
    const { answer, isReplay } = await renewRecoveryCodes(parts, caller, idempotency);
    return { status: 201, body: { recovery_codes: answer.recoveryCodes }, ...replayHeader(isReplay) };
  },
});

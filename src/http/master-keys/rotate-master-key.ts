import { z } from 'zod';
import { numberRanges } from '../../domain/number-ranges.ts';
import { rotateMasterKey } from '../../usecases/master-keys/rotate-master-key.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { intIn, noQuery } from '../fields.ts';
import { propagationFields, toPropagation } from '../propagation.ts';
import { defineRoute } from '../route.ts';
import { createdMasterKey, masterKeyId, toCreatedAnswer } from './master-key-schemas.ts';

export const rotateMasterKeyRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/master-keys/:id/rotate',
  operationId: 'rotateMasterKey',
  summary: 'Replace a master key by a new one',
  description:
    'The successor has a new id and the same name and rights. The old key works for `overlap_seconds` longer, but never past its own expiry, so that its holders can move one by one; 0 ends it at once. A session must have begun or been confirmed in the last 10 minutes (step-up).',
  access: platformCaller('super-admin'),
  params: masterKeyId,
  query: noQuery,
  body: z.strictObject({ overlap_seconds: intIn(numberRanges.overlapSeconds).default(86_400) }),
  success: { 200: 'Rotated. The new secret is in this answer and nowhere else.' },
  answer: createdMasterKey.extend({
    previous_id: z.string().describe('The master key that this one replaces'),
    ...propagationFields,
  }),
  errors: ['STEP_UP_REQUIRED', 'MASTER_KEY_NOT_FOUND'],
  idempotent: true,
  async handle(parts: Parameters<typeof rotateMasterKey>[0], { params, body, caller, idempotency }) {
    const request = { masterKeyId: params.id, overlapSeconds: body.overlap_seconds };
    const { isReplay, propagation, ...created } = await rotateMasterKey(parts, caller, request, idempotency);
    return {
      status: 200,
      body: {
        ...toCreatedAnswer(created),
        previous_id: params.id,
        ...toPropagation(propagation, caller.principal),
      },
      ...(isReplay && { headers: { 'Idempotency-Replayed': 'true' } }),
    };
  },
});

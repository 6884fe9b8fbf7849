import { z } from 'zod';
import { resetSecondFactors } from '../../usecases/second-factors/reset-second-factors.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { userParams } from './platform-user-schemas.ts';

export const resetSecondFactorsRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/platform/users/:id/second-factors',
  operationId: 'resetSecondFactors',
  summary: 'Take all second factors from a platform user who has lost them',
  description:
    "The recovery codes go too, and all sessions of the user end. The password alone lets them in again: make sure that it is they who ask. Not for one's own account.",
  access: platformCaller('super-admin'),
  params: userParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'Reset.' },
  answer: z.strictObject({ success: z.literal(true), removed_count: z.int() }),
  errors: ['STEP_UP_REQUIRED', 'USER_NOT_FOUND', 'SELF_ACTION_FORBIDDEN'],
  async handle(parts: Parameters<typeof resetSecondFactors>[0], { params, caller }) {
    const removed = await resetSecondFactors(parts, caller, params.id);
    return { status: 200, body: { success: true as const, removed_count: removed } };
  },
});

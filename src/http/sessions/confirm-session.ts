import { z } from 'zod';
import { type ConfirmParts, confirmSession } from '../../usecases/sessions/confirm-session.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noParams, noQuery } from '../fields.ts';
import { typedPassword } from '../platform-users/platform-user-schemas.ts';
import { defineRoute } from '../route.ts';
import { secondFactorProof, toProof } from './login-body.ts';

export const confirmSessionRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/auth/confirm',
  operationId: 'confirmSession',
  summary: 'Confirm that a session is still in the hands of its owner (step-up)',
  description:
    'For 10 minutes this session may then do what answers `STEP_UP_REQUIRED` otherwise. With the second factor where the account has one, else with the password. Without either, the answer says what is needed: `SECOND_FACTOR_REQUIRED`, or that `password` is required. A login confirms its session too. A platform key has no session: 404. An account of the identity provider confirms by signing in there again: 409 `MANAGED_BY_PROVIDER`, and the page of `provider_sign_in` with `?confirm=1`.',
  access: platformCaller('nothing', 'own'),
  params: noParams,
  query: noQuery,
  body: z.strictObject({
    password: typedPassword.optional(),
    second_factor: secondFactorProof.optional(),
  }),
  success: { 200: 'Confirmed.' },
  answer: z.strictObject({ success: z.literal(true) }),
  errors: [
    'INVALID_CREDENTIALS',
    'SECOND_FACTOR_REQUIRED',
    'SECOND_FACTOR_INVALID',
    'SESSION_NOT_FOUND',
    'USER_NOT_FOUND',
    'MANAGED_BY_PROVIDER',
    'TOO_MANY_ATTEMPTS',
  ],
  async handle(parts: ConfirmParts, { body, caller, pageOrigin }) {
    const secondFactor = body.second_factor && toProof(body.second_factor);
    await confirmSession(parts, caller, { password: body.password, secondFactor, page: pageOrigin() });
    return { status: 200, body: { success: true as const } };
  },
});

import { z } from 'zod';
import { type LogInParts, logIn } from '../../usecases/sessions/log-in.ts';
import { anybody } from '../access/anybody.ts';
import { noParams, noQuery, timestampText } from '../fields.ts';
import { email, toUserAnswer, typedPassword, userAnswer } from '../platform-users/platform-user-schemas.ts';
import { defineRoute } from '../route.ts';

export const logInRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/auth/login',
  operationId: 'logIn',
  summary: 'Log in with e-mail address and password',
  description:
    'The token is valid for 24 hours, or until log-out, a password change or deactivation. An unknown address and a wrong password give the same answer. After repeated failures, attempts are delayed.',
  access: anybody(),
  params: noParams,
  query: noQuery,
  body: z.strictObject({ email, password: typedPassword }),
  success: { 200: 'A token for `Authorization: Bearer`.' },
  answer: z.strictObject({ token: z.string(), expires_at: timestampText, user: userAnswer }),
  errors: ['INVALID_CREDENTIALS', 'ACCOUNT_INACTIVE', 'PASSWORD_LOGIN_OFF'],
  async handle(parts: LogInParts, { body, caller, client }) {
    const request = { ...body, client: client(), requestId: caller.requestId };
    const { token, expiresAt, user } = await logIn(parts, request);
    return { status: 200, body: { token, expires_at: expiresAt.toISOString(), user: toUserAnswer(user) } };
  },
});

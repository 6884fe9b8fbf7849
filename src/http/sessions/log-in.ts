import { z } from 'zod';
import { type LogInParts, logIn } from '../../usecases/sessions/log-in.ts';
import { anybody } from '../access/anybody.ts';
import { noParams, noQuery, timestampText } from '../fields.ts';
import { toUserAnswer, userAnswer } from '../platform-users/platform-user-schemas.ts';
import { defineRoute } from '../route.ts';
import { loginBody, toLogin } from './login-body.ts';

export const logInRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/auth/login',
  operationId: 'logIn',
  summary: 'Log in with e-mail address and password',
  description:
    'The token is valid for 24 hours, or until log-out, a password change or deactivation. An unknown address and a wrong password give the same answer. After repeated failures, attempts are delayed. An account with a second factor answers the right password with `SECOND_FACTOR_REQUIRED`: send the same request again with `second_factor`.',
  access: anybody(),
  params: noParams,
  query: noQuery,
  body: loginBody,
  success: { 200: 'A token for `Authorization: Bearer`.' },
  answer: z.strictObject({ token: z.string(), expires_at: timestampText, user: userAnswer }),
  errors: [
    'INVALID_CREDENTIALS',
    'SECOND_FACTOR_REQUIRED',
    'SECOND_FACTOR_INVALID',
    'ACCOUNT_INACTIVE',
    'PASSWORD_LOGIN_OFF',
  ],
  async handle(parts: LogInParts, { body, caller, client, pageOrigin }) {
    const request = { ...toLogin(body), client: client(), page: pageOrigin(), requestId: caller.requestId };
    const { token, expiresAt, user } = await logIn(parts, request);
    return { status: 200, body: { token, expires_at: expiresAt.toISOString(), user: toUserAnswer(user) } };
  },
});

import { z } from 'zod';
import { FlowplateError, validationError } from '../../domain/errors.ts';
import { type LogInParts, logIn } from '../../usecases/sessions/log-in.ts';
import { anybody } from '../access/anybody.ts';
import { portalHeader } from '../access/own-page.ts';
import { maySetSessionCookie, sessionCookie } from '../access/session-cookie.ts';
import { noParams, noQuery, timestampText } from '../fields.ts';
import { toUserAnswer, userAnswer } from '../platform-users/platform-user-schemas.ts';
import { defineRoute } from '../route.ts';
import { loginBody, toLogin } from './login-body.ts';

export const createSessionRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/session',
  operationId: 'createSession',
  summary: 'Log in to the portal',
  description: `Like the login, but the token goes into a cookie that scripts cannot read (HttpOnly, SameSite=Strict), not into the answer. Only for pages of this server, which send \`${portalHeader}: 1\`; over https, or on localhost.`,
  access: anybody(),
  params: noParams,
  query: noQuery,
  body: loginBody,
  success: { 200: 'Logged in.' },
  answer: z.strictObject({ expires_at: timestampText, user: userAnswer }),
  errors: [
    'INVALID_CREDENTIALS',
    'SECOND_FACTOR_REQUIRED',
    'SECOND_FACTOR_INVALID',
    'ACCOUNT_INACTIVE',
    'PASSWORD_LOGIN_OFF',
  ],
  async handle(parts: LogInParts, { body, caller, client, pageOrigin }) {
    const origin = requireOwnOrigin(pageOrigin());
    const request = { ...toLogin(body), client: client(), page: origin, requestId: caller.requestId };
    const { token, expiresAt, user } = await logIn(parts, request);
    return {
      status: 200,
      body: { expires_at: expiresAt.toISOString(), user: toUserAnswer(user) },
      headers: { 'Set-Cookie': sessionCookie(origin, token, expiresAt) },
    };
  },
});

/** Before the password check: another site must not log a browser in (login CSRF). */
function requireOwnOrigin(origin: URL | undefined): URL {
  if (origin === undefined) {
    throw validationError([{ path: portalHeader, message: 'must be sent by a page of this server' }]);
  }
  if (maySetSessionCookie(origin)) return origin;
  throw new FlowplateError('VALIDATION_ERROR', {
    systemMessage: 'A session needs https, or localhost; it is not sent unencrypted over a network',
    details: [{ path: 'Origin', message: 'must be https, or http on localhost' }],
  });
}

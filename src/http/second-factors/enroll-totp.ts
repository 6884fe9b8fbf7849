import { z } from 'zod';
import { activateTotp, startTotp } from '../../usecases/second-factors/enroll-totp.ts';
import type { SecondFactorParts } from '../../usecases/second-factors/second-factor-changes.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { enrolledAnswer, replayHeader, toEnrolledAnswer } from './second-factor-schemas.ts';

export const startTotpRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/auth/totp',
  operationId: 'startTotp',
  summary: 'Begin to set up an authenticator app (TOTP)',
  description:
    'The secret is for the app, and counts for nothing until a code of it was sent to `…/totp/activate`. Begun again, the earlier secret is void.',
  access: platformCaller('nothing', 'own'),
  params: noParams,
  query: noQuery,
  body: noBody,
  success: { 201: 'Begun. The secret is in this answer and nowhere else.' },
  answer: z.strictObject({
    id: z.string(),
    secret: z.string().describe('Base32, to type into the app'),
    uri: z.string().describe('`otpauth://`, to show as a QR code'),
  }),
  errors: ['STEP_UP_REQUIRED', 'SECOND_FACTORS_OFF', 'SESSION_NOT_FOUND', 'SECOND_FACTOR_ALREADY_EXISTS'],
  idempotent: true,
  async handle(parts: SecondFactorParts, { caller, idempotency }) {
    const { answer, isReplay } = await startTotp(parts, caller, idempotency);
    const { id, secret, uri } = answer;
    return { status: 201, body: { id, secret, uri }, ...replayHeader(isReplay) };
  },
});

export const activateTotpRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/auth/totp/activate',
  operationId: 'activateTotp',
  summary: 'Finish setting up an authenticator app with a code of it',
  description:
    "From now on the account needs a second factor to log in. With the account's first one come ten recovery codes, and its other sessions end.",
  access: platformCaller('nothing', 'own'),
  params: noParams,
  query: noQuery,
  body: z.strictObject({
    code: z
      .string()
      .transform((typed) => typed.replace(/\s/g, ''))
      .refine((code) => /^\d{6}$/.test(code), 'must be 6 digits'),
  }),
  success: { 201: 'Set up. The recovery codes are in this answer and nowhere else.' },
  answer: enrolledAnswer,
  errors: [
    'SECOND_FACTOR_INVALID',
    'STEP_UP_REQUIRED',
    'SECOND_FACTORS_OFF',
    'SESSION_NOT_FOUND',
    'SECOND_FACTOR_NOT_FOUND',
    'TOO_MANY_ATTEMPTS',
  ],
  idempotent: true,
  async handle(parts: SecondFactorParts, { body, caller, idempotency }) {
    const { answer, isReplay } = await activateTotp(parts, caller, body.code, idempotency);
    return { status: 201, body: toEnrolledAnswer(answer), ...replayHeader(isReplay) };
  },
});

import { z } from 'zod';
import { addPasskey, startPasskey } from '../../usecases/second-factors/enroll-passkey.ts';
import type { SecondFactorParts } from '../../usecases/second-factors/second-factor-changes.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noParams, noQuery } from '../fields.ts';
import { displayName } from '../platform-users/platform-user-schemas.ts';
import { defineRoute } from '../route.ts';
import { clientData, credentialId } from '../sessions/login-body.ts';
import { enrolledAnswer, replayHeader, toEnrolledAnswer } from './second-factor-schemas.ts';

const errors = ['STEP_UP_REQUIRED', 'SECOND_FACTORS_OFF', 'SESSION_NOT_FOUND'] as const;

export const startPasskeyRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/auth/passkeys/challenge',
  operationId: 'startPasskey',
  summary: 'Begin to set up a passkey',
  description:
    'What the browser needs to make one (WebAuthn). Only for pages of this server, under a name: a passkey belongs to the host of its page, and an IP address can have none. The challenge is good once, for five minutes.',
  access: platformCaller('nothing', 'own'),
  params: noParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'Begun.' },
  answer: z.strictObject({
    challenge: z.string(),
    rp_id: z.string(),
    user: z.strictObject({ id: z.string(), email: z.string(), name: z.string() }),
    existing_ids: z.array(z.string()).describe('Credential ids of the passkeys that exist'),
  }),
  errors: [...errors, 'USER_NOT_FOUND'],
  async handle(parts: SecondFactorParts, { caller, pageOrigin }) {
    const { challenge, rpId, user, existingIds } = await startPasskey(parts, caller, pageOrigin());
    const { id, email, name } = user;
    return {
      status: 200,
      body: { challenge, rp_id: rpId, user: { id, email, name }, existing_ids: existingIds },
    };
  },
});

export const addPasskeyRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/auth/passkeys',
  operationId: 'addPasskey',
  summary: 'Finish setting up a passkey',
  description:
    "From now on the account needs a second factor to log in. With the account's first one come ten recovery codes, and its other sessions end.",
  access: platformCaller('nothing', 'own'),
  params: noParams,
  query: noQuery,
  body: z.strictObject({
    name: displayName.describe('What the owner calls it'),
    credential_id: credentialId,
    client_data: clientData.describe('`clientDataJSON` of the browser'),
    attestation: z
      .string()
      .min(1)
      .max(32_768)
      .regex(/^[\w-]+$/, 'must be base64url')
      .describe('`attestationObject` of the browser'),
    transports: z
      .array(z.string().regex(/^[a-z-]{1,20}$/))
      .max(10)
      .default([]),
  }),
  success: { 201: 'Set up. The recovery codes are in this answer and nowhere else.' },
  answer: enrolledAnswer,
  errors: [...errors, 'SECOND_FACTOR_INVALID', 'SECOND_FACTOR_ALREADY_EXISTS'],
  idempotent: true,
  async handle(parts: SecondFactorParts, { body, caller, pageOrigin, idempotency }) {
    const passkey = {
      credentialId: body.credential_id,
      clientData: body.client_data,
      attestation: body.attestation,
      transports: body.transports,
    };
    const request = { name: body.name, passkey, page: pageOrigin() };
    const { answer, isReplay } = await addPasskey(parts, caller, request, idempotency);
    return { status: 201, body: toEnrolledAnswer(answer), ...replayHeader(isReplay) };
  },
});

import { z } from 'zod';
import type { SecondFactorProof } from '../../domain/second-factor.ts';
import { email, typedPassword } from '../platform-users/platform-user-schemas.ts';

const base64url = (lengthMax: number) =>
  z
    .string()
    .min(1)
    .max(lengthMax)
    .regex(/^[\w-]+$/, 'must be base64url');

/** Ids are chosen by authenticators: at most 1,023 bytes (WebAuthn §5.8.3). */
export const credentialId = base64url(1_364);
export const clientData = base64url(4_096);
const authenticatorData = base64url(8_192);

/**
 * Proof of a second factor. One flat shape, so that generated clients can write it: a code for the
 * first two kinds, what the browser signed for the third.
 */
export const secondFactorProof = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('totp'),
      code: z
        .string()
        .transform((typed) => typed.replace(/\s/g, ''))
        .refine((code) => /^\d{6}$/.test(code), 'must be 6 digits'),
    }),
    z.strictObject({ kind: z.literal('recovery_code'), code: z.string().min(1).max(64) }),
    z.strictObject({
      kind: z.literal('passkey'),
      credential_id: credentialId,
      client_data: clientData.describe('`clientDataJSON` of the browser'),
      authenticator_data: authenticatorData,
      signature: base64url(8_192),
    }),
  ])
  .meta({ id: 'SecondFactorProof' });

export function toProof(sent: z.output<typeof secondFactorProof>): SecondFactorProof {
  if (sent.kind !== 'passkey') return sent;
  return {
    kind: 'passkey',
    credentialId: sent.credential_id,
    clientData: sent.client_data,
    authenticatorData: sent.authenticator_data,
    signature: sent.signature,
  };
}

export const loginBody = z.strictObject({
  email,
  password: typedPassword,
  second_factor: secondFactorProof
    .optional()
    .describe('When the answer without it was SECOND_FACTOR_REQUIRED'),
});

/** The request of a login, from its body. */
export function toLogin({ email, password, second_factor }: z.output<typeof loginBody>) {
  return { email, password, secondFactor: second_factor && toProof(second_factor) };
}

import { ApiFault } from '../api/fault.ts';
import type { components } from '../api/schema.d.ts';

export type Proof = components['schemas']['SecondFactorProof'];

/**
 * Kinds of second factor that the server takes, with a challenge where this page can use passkeys.
 */
export type Asked = {
  methods: string[];
  passkey?: { challenge: string; rp_id: string; credential_ids: string[] };
};

/** Undefined for any other error. */
export function askedFactor(error: unknown): Asked | undefined {
  const isAsked = error instanceof ApiFault && error.code === 'SECOND_FACTOR_REQUIRED';
  return isAsked ? (error.details as Asked) : undefined;
}

/** Six digits are the app's, everything else is a recovery code. */
export function codeProof(typed: string): Proof {
  const code = typed.replace(/\s/g, '');
  return { kind: /^\d{6}$/.test(code) ? 'totp' : 'recovery_code', code };
}

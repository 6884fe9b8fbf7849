import type { SecondFactorKind } from './second-factor.ts';

/** A token is valid for 24 hours at most (contract). Ending its session ends it earlier. */
export const sessionLifeMs = 86_400_000;

/** A signing key signs this long; the next login then creates another. */
export const signingMs = 30 * 86_400_000;
/**
 * Afterwards it only verifies, until its last token has expired, with room for clock differences.
 */
export const signingKeyLifeMs = signingMs + 2 * sessionLifeMs;

/** Fixed claims of a session token. Other tokens are refused (RFC 8725 §3.8, §3.9, §3.11). */
export const sessionToken = {
  algorithm: 'EdDSA',
  type: 'flowplate-session+jwt',
  issuer: 'flowplate-keys',
  audience: 'flowplate-platform',
} as const;

/** How the owner of a session proved who they are. */
export const sessionMethods = ['password', 'oidc', 'device'] as const;

export type SessionMethod = (typeof sessionMethods)[number];

/** Client that begins a session, as far as it is known. */
export type SessionClient = {
  /** Canonical spelling. */
  address: string | undefined;
  /** Already cut and cleaned (user-agent.ts). */
  userAgent: string | undefined;
};

/** Where a session comes from. Its owner sees it in the list of their sessions. */
export type SessionOrigin = SessionClient & {
  method: SessionMethod;
  /** Null when none was used. */
  secondFactor: SecondFactorKind | null;
};

/** After a login or a step-up a session may do what needs a confirmation, for so long. */
const confirmationLifeMs = 10 * 60_000;

/** Whether the owner proved who they are within the last ten minutes. */
export function isConfirmed(confirmedAt: Date | null, now: Date): boolean {
  return confirmedAt !== null && now.getTime() - confirmedAt.getTime() < confirmationLifeMs;
}

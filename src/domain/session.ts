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

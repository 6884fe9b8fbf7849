/** A token is good for a day, unless its session ends before (contract: 24 h). */
export const sessionLifeMs = 86_400_000;

/** A key signs for so long; the next login then makes another. */
export const signingMs = 30 * 86_400_000;
/**
 * After that it only verifies, until the last token that it signed has expired; with room for
 * clocks that differ.
 */
export const signingKeyLifeMs = signingMs + 2 * sessionLifeMs;

/**
 * What a token says about itself; a token for anything else is none of ours (RFC 8725 §3.8, §3.9,
 * §3.11).
 */
export const sessionToken = {
  algorithm: 'EdDSA',
  type: 'flowplate-session+jwt',
  issuer: 'flowplate-keys',
  audience: 'flowplate-platform',
} as const;

import { createHash } from 'node:crypto';
import { hmac, type Keyring } from './key-digest.ts';
import { seal, unseal } from './seal.ts';

/** A sign-in on its way to the provider and back, as the browser's cookie keeps it. */
export type SignInAttempt = {
  state: string;
  nonce: string;
  codeVerifier: string;
  /** Where in the portal the person wanted to go. */
  next: string;
  startedAtMs: number;
  /** The session that is confirmed by this sign-in (step-up), in place of a new one. */
  confirms?: string | undefined;
};

/** Long enough for a second factor at the provider. */
export const attemptLifeMs = 10 * 60_000;

const purpose = 'sign-in attempt';
const clockToleranceMs = 60_000;

/**
 * Seals the attempt under the pepper for the cookie: the browser carries it, and nobody reads or
 * makes one. The server keeps nothing, so a flood of unfinished sign-ins fills nothing.
 */
export function sealAttempt(keyring: Keyring, attempt: SignInAttempt): string {
  return seal(hmac(keyring[0], purpose), purpose, JSON.stringify(attempt)).toString('base64url');
}

/** Undefined for a text that this service did not seal, and for an attempt that is too old. */
export function openAttempt(keyring: Keyring, sealed: string, now: Date): SignInAttempt | undefined {
  const bytes = Buffer.from(sealed, 'base64url');
  const texts = keyring.flatMap((pepper) => unsealOrNothing(hmac(pepper, purpose), bytes));
  if (texts[0] === undefined) return undefined;
  const attempt = JSON.parse(texts[0]) as SignInAttempt;
  const ageMs = now.getTime() - attempt.startedAtMs;
  return ageMs > -clockToleranceMs && ageMs < attemptLifeMs ? attempt : undefined;
}

function unsealOrNothing(secret: Buffer, sealed: Buffer): string[] {
  try {
    return [unseal(secret, purpose, sealed)];
  } catch {
    return [];
  }
}

/** Id under which a finished attempt is remembered, so that it is finished once. */
export function attemptId({ nonce }: Pick<SignInAttempt, 'nonce'>): Buffer {
  return createHash('sha256').update(nonce).digest();
}

/** A path below `/platform`. Everything else is the portal's first page: no open redirects. */
export function portalPath(path: unknown): string {
  const isOurs = typeof path === 'string' && path.length <= 500 && /^\/[a-z][\w./~%?&=+:@-]*$/i.test(path);
  return isOurs ? path : '/';
}

import type { Clock, RandomBytes } from '../../domain/clock.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { portalPath, sealAttempt } from '../../domain/sign-in-attempt.ts';
import type { IdentityProvider } from '../../oidc/identity-provider.ts';

export type BeginParts = { clock: Clock; randomBytes: RandomBytes; keyring: Keyring };

/** RFC 7636 §4.1 asks for 32 random bytes; the same is right for state and nonce. */
const randomBytesEach = 32;

/**
 * Starts a sign-in with the identity provider: the address for the browser, and the sealed attempt
 * for its cookie. The callback counts only in the browser that has that cookie (login CSRF). Throws
 * a `ProviderFault` while the provider's metadata cannot be read.
 */
export async function beginProviderSignIn(
  { clock, randomBytes, keyring }: BeginParts,
  provider: IdentityProvider,
  { next, confirms }: { next: unknown; confirms?: string | undefined },
): Promise<{ location: URL; sealed: string }> {
  const random = () => Buffer.from(randomBytes(randomBytesEach)).toString('base64url');
  const checks = { state: random(), nonce: random(), codeVerifier: random() };
  const location = await provider.authorizationUrl(checks, { isFresh: confirms !== undefined });
  const attempt = { ...checks, next: portalPath(next), startedAtMs: clock.now().getTime(), confirms };
  return { location, sealed: sealAttempt(keyring, attempt) };
}

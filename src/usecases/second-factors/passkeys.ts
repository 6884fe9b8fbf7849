import type { RandomBytes } from '../../domain/clock.ts';
import type { NewPasskey, PasskeySignature } from '../../domain/second-factor.ts';
import type { Passkey } from '../../stores/postgres/second-factors/passkeys.ts';

/** Loaded at the first passkey: its parsers of certificates take 100 ms and 10 MB. */
const webAuthn = () => import('@simplewebauthn/server');

const challengeBytes = 32;

export function newPasskeyChallenge(randomBytes: RandomBytes): string {
  return Buffer.from(randomBytes(challengeBytes)).toString('base64url');
}

/** Host that passkeys of this page belong to; undefined for an IP address, which can have none. */
export function relyingPartyOf(page: URL | undefined): string | undefined {
  const isName = page !== undefined && /[a-z]/i.test(page.hostname) && !page.hostname.startsWith('[');
  return isName ? page.hostname : undefined;
}

/**
 * The challenge that a browser says it had signed; undefined when that is not readable, or when a
 * page of another site showed our page in a frame.
 */
export function challengeOf(clientData: string): string | undefined {
  try {
    const { challenge, crossOrigin } = JSON.parse(Buffer.from(clientData, 'base64url').toString('utf8'));
    return typeof challenge === 'string' && crossOrigin !== true ? challenge : undefined;
  } catch {
    return undefined;
  }
}

type Ceremony = { challenge: string; origin: string };

/**
 * New counter of the passkey; undefined when the signature is not its own, of this page and of this
 * challenge, when its holder was not verified by PIN or fingerprint, or when the counter has gone
 * back, which tells of a copy.
 */
export async function findSignCount(
  passkey: Passkey,
  { clientData, authenticatorData, signature }: PasskeySignature,
  { challenge, origin }: Ceremony,
): Promise<number | undefined> {
  const { verifyAuthenticationResponse } = await webAuthn();
  const { credentialId: id, publicKey, signCount, rpId } = passkey;
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: {
        ...{ id, rawId: id, type: 'public-key', clientExtensionResults: {} },
        response: { clientDataJSON: clientData, authenticatorData, signature },
      },
      credential: { id, publicKey: new Uint8Array(publicKey), counter: signCount },
      ...{ expectedChallenge: challenge, expectedOrigin: origin, expectedRPID: rpId },
      requireUserVerification: true,
    });
    return verified ? authenticationInfo.newCounter : undefined;
  } catch {
    // The library tells every fault of what it was given by a plain error.
    return undefined;
  }
}

/** Id, public key and counter of a new passkey; undefined for an answer that is not sound. */
export async function readNewPasskey(
  { credentialId: id, clientData, attestation, transports }: NewPasskey,
  { challenge, origin, rpId }: Ceremony & { rpId: string },
): Promise<Omit<Passkey, 'id'> | undefined> {
  const { verifyRegistrationResponse } = await webAuthn();
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: {
        ...{ id, rawId: id, type: 'public-key', clientExtensionResults: {} },
        response: { clientDataJSON: clientData, attestationObject: attestation },
      },
      ...{ expectedChallenge: challenge, expectedOrigin: origin, expectedRPID: rpId },
      requireUserVerification: true,
    });
    if (!verified) return undefined;
    const { credential } = registrationInfo;
    const publicKey = Buffer.from(credential.publicKey);
    return { credentialId: credential.id, publicKey, signCount: credential.counter, transports, rpId };
  } catch {
    return undefined;
  }
}

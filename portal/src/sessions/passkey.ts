import { ApiFault } from '../api/fault.ts';
import type { paths } from '../api/schema.d.ts';
import type { Asked, Proof } from './asked-factor.ts';

type Offer =
  paths['/api/v1/platform/auth/passkeys/challenge']['post']['responses'][200]['content']['application/json'];
export type NewPasskey =
  paths['/api/v1/platform/auth/passkeys']['post']['requestBody']['content']['application/json'];

/** Loaded at the first use: the login does not need it. */
const webAuthn = () => import('@simplewebauthn/browser');

/** Whether this page can have passkeys: over https or on localhost, and under a name. */
export const arePasskeysPossible =
  window.isSecureContext && 'PublicKeyCredential' in window && /[a-z]/i.test(window.location.hostname);

/** ES256, EdDSA and RS256, as the server checks them. */
const algorithms = [-7, -8, -257];

export async function signWithPasskey({ passkey }: Asked): Promise<Proof> {
  if (passkey === undefined) throw notUsed();
  const { startAuthentication } = await webAuthn();
  const optionsJSON = {
    challenge: passkey.challenge,
    rpId: passkey.rp_id,
    allowCredentials: passkey.credential_ids.map((id) => ({ id, type: 'public-key' as const })),
    userVerification: 'required' as const,
  };
  const { id, response } = await startAuthentication({ optionsJSON }).catch(refuse);
  return {
    kind: 'passkey',
    credential_id: id,
    client_data: response.clientDataJSON,
    authenticator_data: response.authenticatorData,
    signature: response.signature,
  };
}

export async function makePasskey(offer: Offer, name: string): Promise<NewPasskey> {
  const { startRegistration } = await webAuthn();
  const { id, response } = await startRegistration({
    optionsJSON: {
      challenge: offer.challenge,
      rp: { id: offer.rp_id, name: 'Flowplate Keys' },
      // A handle without meaning: authenticators may show it to others (WebAuthn §14.6.1).
      user: { id: toHandle(offer.user.id), name: offer.user.email, displayName: offer.user.name },
      pubKeyCredParams: algorithms.map((alg) => ({ alg, type: 'public-key' as const })),
      excludeCredentials: offer.existing_ids.map((existing) => ({
        id: existing,
        type: 'public-key' as const,
      })),
      authenticatorSelection: { userVerification: 'required', residentKey: 'discouraged' },
      attestation: 'none',
    },
  }).catch(refuse);
  return {
    name,
    credential_id: id,
    client_data: response.clientDataJSON,
    attestation: response.attestationObject,
    transports: response.transports ?? [],
  };
}

function toHandle(id: string): string {
  return btoa(id).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** The owner has cancelled, or there is no such passkey here: browsers do not tell which. */
function refuse(): never {
  throw notUsed();
}

function notUsed(): ApiFault {
  const message = 'Your browser has not used a passkey. Try again.';
  return new ApiFault({ message, status: 0, code: 'PASSKEY_NOT_USED', fields: {}, details: undefined });
}

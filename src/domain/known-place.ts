import { placeOf } from './ip-address.ts';
import { hmac, type Keyring } from './key-digest.ts';

/** So long after its last successful login a place is new again. */
export const knownPlaceLifeMs = 30 * 86_400_000;

/** An account keeps its newest ones: homes, offices and networks on the way. */
export const knownPlacesMax = 20;

/**
 * Ids of a place for an account: hmac hashes of both, one for each live pepper, the current one
 * first. The e-mail address names the account, so that a look-up needs no account to exist. A
 * caller without a known address has no ids: all such callers are one place, and none of them is
 * known.
 */
export function knownPlaceIds(keyring: Keyring, emailKey: string, address: string | undefined): Buffer[] {
  if (address === undefined) return [];
  return keyring.map((pepper) => hmac(pepper, `known place\n${emailKey}\n${placeOf(address)}`));
}

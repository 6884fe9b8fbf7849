import { placeOf } from './ip-address.ts';
import { type Keyring, keyed } from './key-digest.ts';

/**
 * What failed logins are counted by, under a keyed hash: a stolen table names neither accounts nor
 * addresses.
 */
export type LoginSubject = { id: Buffer; limits: ThrottleLimits };

export type ThrottleLimits = {
  /** So many failures in a row cost nothing. */
  free: number;
  /** The longest wait that further ones lead to, seconds. */
  delaySecondsMax: number;
};

export type LoginSubjects = Record<'pair' | 'account' | 'address', LoginSubject>;

const slowedSoonAndLong: ThrottleLimits = { free: 5, delaySecondsMax: 900 };

/** Failures this long ago are forgotten. */
export const failureLifeMs = 15 * 60_000;

/**
 * The account from this address is slowed down soon and long; the account from everywhere and the
 * address for everybody only after many failures, and never for more than a minute: nobody can lock
 * an account for its owner, or an office for its people. Callers without a known address are
 * counted as one place.
 */
export function loginSubjects(
  keyring: Keyring,
  emailKey: string,
  address: string | undefined,
): LoginSubjects {
  const place = address === undefined ? 'unknown' : placeOf(address);
  const id = (text: string) => keyed(keyring[0], `login\n${text}`);
  return {
    pair: { id: id(`pair\n${emailKey}\n${place}`), limits: slowedSoonAndLong },
    account: { id: id(`account\n${emailKey}`), limits: { free: 50, delaySecondsMax: 60 } },
    address: { id: id(`address\n${place}`), limits: { free: 100, delaySecondsMax: 60 } },
  };
}

/**
 * Wrong passwords typed in a session: its own alone, so that a stolen token holds up no other
 * session of its owner.
 */
export function sessionSubject(keyring: Keyring, sessionId: string | null): LoginSubject {
  return { id: keyed(keyring[0], `login\nsession\n${sessionId}`), limits: slowedSoonAndLong };
}

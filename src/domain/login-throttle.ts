import { placeOf } from './ip-address.ts';
import { hmac, type Keyring } from './key-digest.ts';

/**
 * Counter of failed logins, under a keyed hash: a stolen table names neither accounts nor
 * addresses.
 */
export type LoginSubject = { id: Buffer; limits: ThrottleLimits };

export type ThrottleLimits = {
  /** Number of failures in a row without a delay. */
  free: number;
  /** Maximum delay, in seconds. */
  delaySecondsMax: number;
  /** Failures are forgotten when the newest is older than this. */
  lifeMs: number;
};

export type LoginSubjects = Record<'pair' | 'account' | 'address', LoginSubject>;

const passwordLifeMs = 15 * 60_000;
const secondFactorLifeMs = 24 * 60 * 60_000;

/** The longest memory of a failure; older ones can be deleted. */
export const failureLifeMsMax = secondFactorLifeMs;

const slowedSoonAndLong: ThrottleLimits = { free: 5, delaySecondsMax: 900, lifeMs: passwordLifeMs };

/**
 * Subjects of a login: (account, place), account, and place. A place is an IPv4 address or the /64
 * of an IPv6 address; callers without a known address are one place. The pair waits soon and up to
 * 15 minutes; the account and the place wait after many failures, for at most a minute.
 *
 * One failure a minute renews a wait of a minute. With some fifteen addresses an attacker can keep
 * the account's wait up for as long as the attack goes on. It does not hold at known places
 * (known-place.ts), so the owner gets in there. From a new place the owner has to wait.
 */
export function loginSubjects(
  keyring: Keyring,
  emailKey: string,
  address: string | undefined,
): LoginSubjects {
  const place = address === undefined ? 'unknown' : placeOf(address);
  const id = (text: string) => hmac(keyring[0], `login\n${text}`);
  return {
    pair: { id: id(`pair\n${emailKey}\n${place}`), limits: slowedSoonAndLong },
    account: {
      id: id(`account\n${emailKey}`),
      limits: { free: 50, delaySecondsMax: 60, lifeMs: passwordLifeMs },
    },
    address: {
      id: id(`address\n${place}`),
      limits: { free: 100, delaySecondsMax: 60, lifeMs: passwordLifeMs },
    },
  };
}

/**
 * Wrong passwords typed in a session: its own alone, so that a stolen token holds up no other
 * session of its owner.
 */
export function sessionSubject(keyring: Keyring, sessionId: string | null): LoginSubject {
  return { id: hmac(keyring[0], `login\nsession\n${sessionId}`), limits: slowedSoonAndLong };
}

/**
 * Wrong second factors of an account, from wherever they come. Only who knows the password can add
 * to it, so a stranger cannot lock an owner out with it. Codes of six digits must not be found by
 * trying: five guesses are free, and then there are about four an hour, since these failures are
 * remembered for a day.
 */
export function secondFactorSubject(keyring: Keyring, userId: string): LoginSubject {
  const limits = { ...slowedSoonAndLong, lifeMs: secondFactorLifeMs };
  return { id: hmac(keyring[0], `login\nsecond factor\n${userId}`), limits };
}

/** Guesses of the codes of device log-ins by one account, in all its sessions together. */
export function userCodeSubject(keyring: Keyring, userId: string): LoginSubject {
  return { id: hmac(keyring[0], `login\ndevice code\n${userId}`), limits: slowedSoonAndLong };
}

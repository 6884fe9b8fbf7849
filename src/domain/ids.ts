import { encodeBase62, randomBase62 } from './base62.ts';
import type { RandomBytes } from './clock.ts';

/**
 * Every public handle's prefix. A handle can look up and revoke; it never authenticates
 * (key-format.ts has those).
 */
export const idPrefixes = {
  key: 'flk_',
  masterKey: 'flm_',
  environment: 'env_',
  organization: 'org_',
  apiKey: 'ak_',
  apiUser: 'usr_',
  platformUser: 'puser_',
  role: 'role_',
  session: 'sess_',
  signingKey: 'sig_',
  auditEvent: 'evt_',
  request: 'req_',
} as const;

export type IdKind = keyof typeof idPrefixes;

/**
 * Unix milliseconds of 48 bits, as in a UUIDv7 (RFC 9562 §5.7), need 9 digits; 13 random ones are
 * 77 bits.
 */
const timeDigits = 9;
const randomDigits = 13;

/**
 * A new handle: prefix, time, chance. Handles sort by creation, so the primary key is also the
 * index of every "newest first" list and new rows land side by side in it.
 */
export function newId(kind: IdKind, now: Date, randomBytes: RandomBytes): string {
  return idPrefixes[kind] + encodeBase62(now.getTime(), timeDigits) + randomBase62(randomBytes, randomDigits);
}

/** No handle of that moment or later sorts before it, and each one of before does. */
export function idFloor(kind: IdKind, at: Date): string {
  return idPrefixes[kind] + encodeBase62(at.getTime(), timeDigits);
}

/**
 * How all handles of `as` begin that were made in the same millisecond as `id`, which is a handle
 * of `kind`.
 */
export function sameMoment(id: string, kind: IdKind, as: IdKind): string {
  const start = idPrefixes[kind].length;
  return idPrefixes[as] + id.slice(start, start + timeDigits);
}

/** Ids of ours of one kind; the contract promises at least 12 characters after the prefix. */
export function idPattern(kind: IdKind): RegExp {
  return new RegExp(`^${idPrefixes[kind]}[0-9A-Za-z]{12,40}$`);
}

export const keyIdPattern = idPattern('key');

/** A line of keys bears the id of its first key, whatever its kind. */
export const lineIdPattern = new RegExp(`^(${idPrefixes.key}|${idPrefixes.apiKey})[0-9A-Za-z]{12,40}$`);

/** Ids that callers bring along: opaque to us, and safe in a path, a header and a log line. */
export const externalIdPattern = /^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,127}$/;

/**
 * Words that are no id: fixed path segments where an id can stand too, as in `/api-keys/user/…`.
 * A path with such an id would name two things. The list is complete: test/http/paths.test.ts
 * derives it from the routes.
 */
const reservedWords: readonly string[] = ['batch', 'bootstrap', 'usage', 'user', 'verify'];

/** Compared without case, because a proxy on the way may fold it. */
export function isReservedWord(id: string): boolean {
  return reservedWords.includes(id.toLowerCase());
}

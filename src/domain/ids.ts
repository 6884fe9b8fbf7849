import { decodeBase62, encodeBase62, randomBase62 } from './base62.ts';
import type { RandomBytes } from './clock.ts';

/**
 * Prefixes of all public ids. An id looks up and revokes; it never authenticates. Prefixes of
 * secrets are in key-format.ts.
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
  secondFactor: 'sf_',
  signingKey: 'sig_',
  auditEvent: 'evt_',
  request: 'req_',
  stop: 'stop_',
  job: 'job_',
  webhook: 'whe_',
} as const;

export type IdKind = keyof typeof idPrefixes;

/**
 * Unix milliseconds of 48 bits, as in a UUIDv7 (RFC 9562 §5.7), need 9 digits; 13 random ones are
 * 77 bits.
 */
const timeDigits = 9;
const randomDigits = 13;

/**
 * New id: prefix, time, random digits. Ids sort by creation time, so the primary key also serves
 * every "newest first" list.
 */
export function newId(kind: IdKind, now: Date, randomBytes: RandomBytes): string {
  return idPrefixes[kind] + encodeBase62(now.getTime(), timeDigits) + randomBase62(randomBytes, randomDigits);
}

/** The time in an id of ours, Unix milliseconds; undefined for any other text. */
export function timeOfId(id: string, kind: IdKind): number | undefined {
  const start = idPrefixes[kind].length;
  if (!id.startsWith(idPrefixes[kind]) || id.length !== start + timeDigits + randomDigits) return undefined;
  return decodeBase62(id.slice(start, start + timeDigits));
}

/** Lowest id possible at time `at`, as a range bound. */
export function idFloor(kind: IdKind, at: Date): string {
  return idPrefixes[kind] + encodeBase62(at.getTime(), timeDigits);
}

/**
 * Common prefix of all ids of kind `as` from the same millisecond as `id`, which has kind `kind`.
 */
export function sameMoment(id: string, kind: IdKind, as: IdKind): string {
  const start = idPrefixes[kind].length;
  return idPrefixes[as] + id.slice(start, start + timeDigits);
}

/**
 * Pattern of our ids of one kind. The contract promises at least 12 characters after the prefix.
 */
export function idPattern(kind: IdKind): RegExp {
  return new RegExp(`^${idPrefixes[kind]}[0-9A-Za-z]{12,40}$`);
}

export const keyIdPattern = idPattern('key');

/** A line of keys has the id of its first key, of either kind. */
export const lineIdPattern = new RegExp(`^(${idPrefixes.key}|${idPrefixes.apiKey})[0-9A-Za-z]{12,40}$`);

/** Ids that callers choose: opaque to us, and safe in a path, a header and a log line. */
export const externalIdPattern = /^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,127}$/;

/**
 * Words that cannot be ids: fixed path segments where an id can stand too, such as
 * `/api-keys/user/…`. A path with such an id would name two things. test/http/paths.test.ts derives
 * the list from the routes.
 */
const reservedWords: readonly string[] = [
  'batch',
  'bootstrap',
  'bulk',
  'hygiene',
  'explain',
  'import',
  'progress',
  'refusals',
  'release',
  'usage',
  'user',
  'verify',
];

/** Case-insensitive, because a proxy may change the case. */
export function isReservedWord(id: string): boolean {
  return reservedWords.includes(id.toLowerCase());
}

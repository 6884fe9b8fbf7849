import { encodeBase62 } from './base62.ts';
import type { RandomBytes } from './clock.ts';

/** Every public handle's prefix. A handle can look up and revoke; it never authenticates (key-format.ts has those). */
export const idPrefixes = {
  key: 'flk_',
  masterKey: 'flm_',
  environment: 'env_',
  auditEvent: 'evt_',
  request: 'req_',
} as const;

export type IdKind = keyof typeof idPrefixes;

/** 128 bits need 22 base62 digits. */
const idDigits = 22;

/**
 * A new handle: prefix and a UUIDv7 in base62, so that handles sort by creation and the primary key is also the
 * index of every "newest first" list. RFC 9562 §5.7: 48 bits of Unix milliseconds, then version, variant and 74 random bits.
 */
export function newId(kind: IdKind, now: Date, randomBytes: RandomBytes): string {
  let value = BigInt(now.getTime());
  for (const byte of randomBytes(10)) value = (value << 8n) | BigInt(byte);
  value = (value & ~(0xfn << 76n)) | (0x7n << 76n);
  value = (value & ~(0x3n << 62n)) | (0x2n << 62n);
  return idPrefixes[kind] + encodeBase62(value, idDigits);
}

export const keyIdPattern = /^flk_[0-9A-Za-z]{12,40}$/;

/** Ids that callers bring along: opaque to us, and safe in a path, a header and a log line. */
export const externalIdPattern = /^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,127}$/;

/** These stand as fixed segments where such an id could stand: `/api-keys/user/…`, `/api-keys/verify`. */
export const reservedExternalIds: readonly string[] = ['user', 'verify'];

import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

/**
 * Secret under which digests are made: a key is stored only as `HMAC-SHA-256(pepper, secret)`.
 * Peppers live in the environment, never in Postgres or Redis, so a stolen table opens nothing. A
 * fast hash is enough for 190 random bits.
 */
export type Pepper = { id: string; secret: KeyObject };

/**
 * Live peppers. The first digests new secrets; the others find secrets from before a rotation. It
 * may change between two turns of the event loop (rotate-keyring.ts).
 */
export type Keyring = readonly [Pepper, ...Pepper[]];

export type KeyDigest = { pepperId: string; digest: Buffer };

export const pepperBytesMin = 32;

export function newPepper(id: string, secret: Uint8Array): Pepper {
  return { id, secret: createSecretKey(secret) };
}

export function digestSecret(pepper: Pepper, secret: string): KeyDigest {
  return { pepperId: pepper.id, digest: hmac(pepper, secret) };
}

/**
 * HMAC-SHA-256 under the pepper, for lookups and derived keys that only this service can compute.
 */
export function hmac(pepper: Pepper, text: string): Buffer {
  return createHmac('sha256', pepper.secret).update(text).digest();
}

/** One digest for each live pepper, the current one first. */
export function digestsOf(keyring: Keyring, secret: string): KeyDigest[] {
  return keyring.map((pepper) => digestSecret(pepper, secret));
}

import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

/**
 * A stolen table of digests opens nothing: a secret is stored only as `HMAC-SHA-256(pepper,
 * secret)`. The peppers live in the environment, never in Postgres or Redis. A fast hash suffices
 * because the secret has 190 hidden random bits.
 */
export type Pepper = { id: string; secret: KeyObject };

/**
 * The first pepper digests new secrets; the others are tried when a secret is not found under the
 * first.
 */
export type Keyring = readonly [Pepper, ...Pepper[]];

export type KeyDigest = { pepperId: string; digest: Buffer };

export const pepperBytesMin = 32;

export function newPepper(id: string, secret: Uint8Array): Pepper {
  return { id, secret: createSecretKey(secret) };
}

export function digestSecret(pepper: Pepper, secret: string): KeyDigest {
  return { pepperId: pepper.id, digest: keyed(pepper, secret) };
}

/** HMAC-SHA-256 under the pepper: for what has to be recognised, or derived, by nobody but us. */
export function keyed(pepper: Pepper, text: string): Buffer {
  return createHmac('sha256', pepper.secret).update(text).digest();
}

/** One digest for each live pepper, the current one first. */
export function digestsOf(keyring: Keyring, secret: string): KeyDigest[] {
  return keyring.map((pepper) => digestSecret(pepper, secret));
}

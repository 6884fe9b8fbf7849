import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { Keyring, Pepper } from './key-digest.ts';

/**
 * A repeated request is recognised by `ids` (one for each live pepper, the current one first) and must carry the same body. Its
 * answer holds a secret in plain text, so it is sealed under a key that is derived from what the caller brings along: the
 * row alone opens nothing, and neither does the row with the peppers.
 */
export type Idempotency = {
  ids: readonly Buffer[];
  bodyHash: Buffer;
  seal(answer: string): Buffer;
  /** `id` tells which pepper was current when the answer was sealed. */
  open(id: Buffer, sealed: Buffer): string;
};

export const idempotencyLifeMs = 24 * 3_600_000;
export const idempotencyKeyLengthMax = 255;

const saltBytes = 16;
const nonceBytes = 12;
const tagBytes = 16;

/** `scope` says whose request it is and to which path; the same `key` from another caller is another request. */
export function newIdempotency(
  keyring: Keyring,
  request: { scope: string; key: string; body: unknown },
): Idempotency {
  const ids = keyring.map((pepper) => keyed(pepper, `id\n${request.scope}\n${request.key}`));
  return {
    ids,
    bodyHash: createHash('sha256').update(canonicalJson(request.body)).digest(),
    seal: (answer) => seal(keyed(keyring[0], `seal\n${request.scope}\n${request.key}`), answer),
    open: (id, sealed) => {
      const pepper = keyring[ids.findIndex((candidate) => candidate.equals(id))] ?? keyring[0];
      return open(keyed(pepper, `seal\n${request.scope}\n${request.key}`), sealed);
    },
  };
}

function keyed(pepper: Pepper, text: string): Buffer {
  return createHmac('sha256', pepper.secret).update(text).digest();
}

/** AES-256-GCM under a key of its own for each answer: salt, nonce, tag, ciphertext. */
function seal(secret: Buffer, answer: string): Buffer {
  const salt = randomBytes(saltBytes);
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', derive(secret, salt), nonce);
  const ciphertext = Buffer.concat([cipher.update(answer, 'utf8'), cipher.final()]);
  return Buffer.concat([salt, nonce, cipher.getAuthTag(), ciphertext]);
}

function open(secret: Buffer, sealed: Buffer): string {
  const salt = sealed.subarray(0, saltBytes);
  const nonce = sealed.subarray(saltBytes, saltBytes + nonceBytes);
  const tag = sealed.subarray(saltBytes + nonceBytes, saltBytes + nonceBytes + tagBytes);
  const decipher = createDecipheriv('aes-256-gcm', derive(secret, salt), nonce, { authTagLength: tagBytes });
  decipher.setAuthTag(tag);
  const ciphertext = sealed.subarray(saltBytes + nonceBytes + tagBytes);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8');
}

function derive(secret: Buffer, salt: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, 'flowplate idempotency', 32));
}

/** Equal bodies have equal text, whatever the order in which their fields were sent. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

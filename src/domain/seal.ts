import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const saltBytes = 16;
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Authenticated encryption: AES-256-GCM with a key of its own for each sealing, derived from
 * `secret`. Layout: salt, nonce, tag, ciphertext. `purpose` prevents a sealed text from being
 * opened as another kind.
 */
export function seal(secret: Buffer, purpose: string, text: string): Buffer {
  const salt = randomBytes(saltBytes);
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', derive(secret, salt, purpose), nonce);
  const ciphertext = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([salt, nonce, cipher.getAuthTag(), ciphertext]);
}

/** Throws when secret, purpose or any bit differs. */
export function unseal(secret: Buffer, purpose: string, sealed: Buffer): string {
  const salt = sealed.subarray(0, saltBytes);
  const nonce = sealed.subarray(saltBytes, saltBytes + nonceBytes);
  const tag = sealed.subarray(saltBytes + nonceBytes, saltBytes + nonceBytes + tagBytes);
  const decipher = createDecipheriv('aes-256-gcm', derive(secret, salt, purpose), nonce, {
    authTagLength: tagBytes,
  });
  decipher.setAuthTag(tag);
  const ciphertext = sealed.subarray(saltBytes + nonceBytes + tagBytes);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8');
}

function derive(secret: Buffer, salt: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, `flowplate ${purpose}`, 32));
}

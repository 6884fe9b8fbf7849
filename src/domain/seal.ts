import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const saltBytes = 16;
const nonceBytes = 12;
const tagBytes = 16;

/**
 * AES-256-GCM under a key of its own for each sealing, derived from `secret`: salt, nonce, tag,
 * ciphertext. `purpose` keeps what is sealed for one thing from being opened as another.
 */
export function seal(secret: Buffer, purpose: string, text: string): Buffer {
  const salt = randomBytes(saltBytes);
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', derive(secret, salt, purpose), nonce);
  const ciphertext = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([salt, nonce, cipher.getAuthTag(), ciphertext]);
}

/** Throws when the secret or the purpose is another, or a single bit was changed. */
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

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

/**
 * Seals many texts as `seal` does, under one derived key, which is most of the cost of one. Each
 * has a nonce of its own, and opens only under its name.
 */
export function sealerOf(secret: Buffer, purpose: string): (text: string, name: Buffer) => Buffer {
  const salt = randomBytes(saltBytes);
  const key = derive(secret, salt, purpose);
  return (text, name) => {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(name);
    const ciphertext = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([salt, nonce, cipher.getAuthTag(), ciphertext]);
  };
}

/** Opens what `sealerOf` has sealed. Throws when secret, purpose, name or any bit differs. */
export function openerOf(secret: Buffer, purpose: string): (sealed: Buffer, name: Buffer) => string {
  let known: { salt: Buffer; key: Buffer } | undefined;
  return (sealed, name) => {
    const salt = sealed.subarray(0, saltBytes);
    if (known === undefined || !known.salt.equals(salt)) known = { salt, key: derive(secret, salt, purpose) };
    const nonce = sealed.subarray(saltBytes, saltBytes + nonceBytes);
    const tag = sealed.subarray(saltBytes + nonceBytes, saltBytes + nonceBytes + tagBytes);
    const decipher = createDecipheriv('aes-256-gcm', known.key, nonce, { authTagLength: tagBytes });
    decipher.setAuthTag(tag).setAAD(name);
    const ciphertext = sealed.subarray(saltBytes + nonceBytes + tagBytes);
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8');
  };
}

function derive(secret: Buffer, salt: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, `flowplate ${purpose}`, 32));
}

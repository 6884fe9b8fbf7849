import type { ForeignHash } from './imported-hash.ts';
import { hmac, type Keyring } from './key-digest.ts';
import { seal, unseal } from './seal.ts';

const hashPurpose = 'imported hash';
const secretPurpose = 'import secret';

export type Sealed = { pepperId: string; sealed: Buffer };

/** Under the current pepper, bound to the key's id: a stolen table has nothing to guess against. */
export function sealImportedHash(keyring: Keyring, keyId: string, foreign: ForeignHash): Buffer {
  return sealUnder(keyring, hashPurpose, keyId, JSON.stringify(foreign));
}

/** Undefined when its pepper is gone: the key is then as good as lost. */
export function openImportedHash(
  keyring: Keyring,
  { keyId, ...sealed }: Sealed & { keyId: string },
): ForeignHash | undefined {
  const text = openUnder(keyring, hashPurpose, keyId, sealed);
  return text === undefined ? undefined : (JSON.parse(text) as ForeignHash);
}

/** The secret of HMACs, bound to its name. */
export function sealImportSecret(keyring: Keyring, name: string, secret: Buffer): Buffer {
  return sealUnder(keyring, secretPurpose, name, secret.toString('base64'));
}

export function openImportSecret(
  keyring: Keyring,
  { name, ...sealed }: Sealed & { name: string },
): Buffer | undefined {
  const text = openUnder(keyring, secretPurpose, name, sealed);
  return text === undefined ? undefined : Buffer.from(text, 'base64');
}

function sealUnder([current]: Keyring, purpose: string, name: string, text: string): Buffer {
  return seal(hmac(current, `${purpose}\n${name}`), purpose, text);
}

function openUnder(
  keyring: Keyring,
  purpose: string,
  name: string,
  { pepperId, sealed }: Sealed,
): string | undefined {
  const pepper = keyring.find((known) => known.id === pepperId);
  return pepper && unseal(hmac(pepper, `${purpose}\n${name}`), purpose, sealed);
}

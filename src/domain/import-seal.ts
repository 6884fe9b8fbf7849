import type { ForeignHash } from './imported-hash.ts';
import type { Keyring } from './key-digest.ts';
import { openUnderPepper, type PepperSealed, sealUnderPepper } from './pepper-seal.ts';

const hashPurpose = 'imported hash';
const secretPurpose = 'import secret';

/** Under the current pepper, bound to the key's id: a stolen table has nothing to guess against. */
export function sealImportedHash(keyring: Keyring, keyId: string, foreign: ForeignHash): Buffer {
  return sealUnderPepper(keyring, hashPurpose, keyId, JSON.stringify(foreign)).sealed;
}

/** Undefined when its pepper is gone: the key is then as good as lost. */
export function openImportedHash(
  keyring: Keyring,
  { keyId, ...sealed }: PepperSealed & { keyId: string },
): ForeignHash | undefined {
  const text = openUnderPepper(keyring, hashPurpose, keyId, sealed);
  return text === undefined ? undefined : (JSON.parse(text) as ForeignHash);
}

/** The secret of HMACs, bound to its name. */
export function sealImportSecret(keyring: Keyring, name: string, secret: Buffer): Buffer {
  return sealUnderPepper(keyring, secretPurpose, name, secret.toString('base64')).sealed;
}

export function openImportSecret(
  keyring: Keyring,
  { name, ...sealed }: PepperSealed & { name: string },
): Buffer | undefined {
  const text = openUnderPepper(keyring, secretPurpose, name, sealed);
  return text === undefined ? undefined : Buffer.from(text, 'base64');
}

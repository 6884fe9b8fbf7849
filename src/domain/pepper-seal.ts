import { hmac, type Keyring } from './key-digest.ts';
import { seal, unseal } from './seal.ts';

/** A sealed text, and the pepper that its key is derived from. */
export type PepperSealed = { pepperId: string; sealed: Buffer };

/**
 * Seals a text under the current pepper, bound to its purpose and to the name of its row: what is
 * copied from a stolen table, or into another row, does not open.
 */
export function sealUnderPepper(
  [current]: Keyring,
  purpose: string,
  name: string,
  text: string,
): PepperSealed {
  return { pepperId: current.id, sealed: seal(hmac(current, `${purpose}\n${name}`), purpose, text) };
}

/** Undefined when the pepper is gone. Throws when purpose, name or any bit differs. */
export function openUnderPepper(
  keyring: Keyring,
  purpose: string,
  name: string,
  { pepperId, sealed }: PepperSealed,
): string | undefined {
  const pepper = keyring.find(({ id }) => id === pepperId);
  return pepper && unseal(hmac(pepper, `${purpose}\n${name}`), purpose, sealed);
}

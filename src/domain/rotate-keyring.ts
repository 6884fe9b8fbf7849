import type { Keyring, Pepper } from './key-digest.ts';

/**
 * Puts other peppers into a keyring, in place, so that all that hold it see them. Throws, and
 * changes nothing, for a step by which a process would not know the keys of another one: the
 * pepper in use must stay, and the first one must be known already.
 */
export function rotateKeyring(keyring: Keyring, next: Keyring): void {
  const [inUse] = keyring;
  if (!isKnownIn(next, inUse)) throw new Error(`The pepper ${inUse.id}, which is in use, is missing`);
  if (keyring.some((pepper) => next.some((other) => other.id === pepper.id && !isSame(other, pepper))))
    throw new Error('A pepper has another secret than before under its id');
  if (!isKnownIn(keyring, next[0]))
    throw new Error(
      `The first pepper, ${next[0].id}, is new: put it behind the others on every process, and in front afterwards`,
    );
  (keyring as unknown as Pepper[]).splice(0, keyring.length, ...next);
}

function isKnownIn(keyring: Keyring, pepper: Pepper): boolean {
  return keyring.some((known) => isSame(known, pepper));
}

function isSame(one: Pepper, other: Pepper): boolean {
  return one.id === other.id && one.secret.equals(other.secret);
}

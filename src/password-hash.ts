import argon2 from 'argon2';

/**
 * OWASP's minimum for argon2id: 19 MiB, two passes, one lane. One hash takes about 11 ms of one
 * core.
 */
const parameters = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/**
 * argon2id hash of a secret that a person chose, which may be weak. Returns the PHC string with
 * salt and parameters.
 */
export function hashPassword(password: string): Promise<string> {
  return argon2.hash(password, parameters);
}

export function isPassword(password: string, passwordHash: string): Promise<boolean> {
  return argon2.verify(passwordHash, password);
}

/** Whether the hash has weaker parameters than today's. It is renewed at the next success. */
export function isOutdated(passwordHash: string): boolean {
  return argon2.needsRehash(passwordHash, parameters);
}

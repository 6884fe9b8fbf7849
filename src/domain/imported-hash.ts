import { createHash, createHmac } from 'node:crypto';
import { digestSecret, type KeyDigest, type Pepper } from './key-digest.ts';

export const importAlgorithms = ['sha256', 'sha512', 'hmac-sha256', 'bcrypt', 'argon2id'] as const;
export type ImportAlgorithm = (typeof importAlgorithms)[number];

export const saltPositions = ['before', 'after'] as const;
export type SaltPosition = (typeof saltPositions)[number];

/** A hash as another product has stored it, with what its computation needs besides the key. */
export type ForeignHash = {
  algorithm: ImportAlgorithm;
  /** Lower-case hex of a digest; the whole text of bcrypt and argon2id. */
  hash: string;
  salt: string | null;
  saltPosition: SaltPosition;
  secretName: string | null;
  /** The first characters of the key. */
  lookup: string | null;
};

/**
 * A way to compute a hash that is the same for many keys, so that they are found by it: one
 * algorithm with one salt or one secret. `salt` and `secretName` are null without.
 */
export type Recipe = Pick<ForeignHash, 'salt' | 'saltPosition' | 'secretName'> & {
  id: string;
  algorithm: Exclude<ImportAlgorithm, 'bcrypt' | 'argon2id'>;
};

/** bcrypt reads no more of a key; whatever comes behind is the same key to it. */
export const bcryptBytesMax = 72;

/**
 * Costs above these are refused at import: one wrong key has to be answered within a second of one
 * core. bcrypt doubles with each step.
 */
const bcryptCost = { min: 4, max: 13 };
const argon2Max = { memory: 65_536, passes: 4, parallelism: 8 };

const digestBytes = { sha256: 32, sha512: 64, 'hmac-sha256': 32 } as const;

export function isSlow(algorithm: ImportAlgorithm): algorithm is 'bcrypt' | 'argon2id' {
  return algorithm === 'bcrypt' || algorithm === 'argon2id';
}

/** The hash in one spelling, or the rule that it breaks. Never quotes the hash. */
export function readHash(algorithm: ImportAlgorithm, text: string): { hash: string } | { fault: string } {
  if (algorithm === 'bcrypt') return readBcrypt(text);
  if (algorithm === 'argon2id') return readArgon2(text);
  const bytes = digestBytes[algorithm];
  const hash = hexOf(text, bytes);
  if (hash !== undefined) return { hash };
  return { fault: `must be ${bytes} bytes in hex, base64 or base64url` };
}

function hexOf(text: string, bytes: number): string | undefined {
  if (text.length === 2 * bytes && /^[0-9a-f]+$/i.test(text)) return text.toLowerCase();
  const [, body = ''] = /^((?:[A-Za-z0-9+/]+|[\w-]+))={0,2}$/.exec(text) ?? [];
  const decoded = Buffer.from(body, 'base64');
  // Spare bits of the last character must be zero: else two spellings would be one hash.
  const isExact = decoded.toString('base64url') === body.replaceAll('+', '-').replaceAll('/', '_');
  return decoded.length === bytes && isExact ? decoded.toString('hex') : undefined;
}

function readBcrypt(text: string): { hash: string } | { fault: string } {
  const [, cost] = /^\$2[aby]\$(\d{2})\$[./A-Za-z0-9]{53}$/.exec(text) ?? [];
  if (cost === undefined) return { fault: 'must be a bcrypt hash: $2b$<cost>$ and 53 characters' };
  const { min, max } = bcryptCost;
  if (Number(cost) < min || Number(cost) > max) return { fault: `must have a cost from ${min} to ${max}` };
  return { hash: text };
}

export type Argon2Parameters = {
  memory: number;
  passes: number;
  parallelism: number;
  nonce: Buffer;
  tag: Buffer;
};

/**
 * Reads the text of a hash; undefined for another. Its three parameters stand in any order: the
 * reference implementation writes m, t, p, and node-argon2 m, p, t.
 */
export function parseArgon2(text: string): Argon2Parameters | undefined {
  const [, costs = '', nonce = '', tag = ''] =
    /^\$argon2id\$v=19\$((?:[mtp]=\d{1,7},?){3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,86})$/.exec(
      text,
    ) ?? [];
  const named = new Map(costs.split(',').map((cost) => [cost.slice(0, 1), Number(cost.slice(2))]));
  const [memory, passes, parallelism] = [named.get('m'), named.get('t'), named.get('p')];
  if (memory === undefined || passes === undefined || parallelism === undefined) return undefined;
  return {
    ...{ memory, passes, parallelism },
    nonce: Buffer.from(nonce, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  };
}

function readArgon2(text: string): { hash: string } | { fault: string } {
  const read = parseArgon2(text);
  if (read === undefined) {
    return { fault: 'must be an argon2id hash: $argon2id$v=19$m=<KiB>,t=<passes>,p=<lanes>$<salt>$<hash>' };
  }
  const { memory, passes, parallelism } = read;
  const isCheap =
    memory <= argon2Max.memory && passes <= argon2Max.passes && parallelism <= argon2Max.parallelism;
  const isValid = memory >= 8 * parallelism && passes >= 1 && parallelism >= 1;
  if (isCheap && isValid) return { hash: text };
  return {
    fault: `must have m up to ${argon2Max.memory} and at least 8 p, t from 1 to ${argon2Max.passes}, p from 1 to ${argon2Max.parallelism}`,
  };
}

/**
 * The recipe by which a key is found; undefined for a hash that is found by its lookup. A salt
 * with a lookup is one of that key alone.
 */
export function recipeOf({
  algorithm,
  salt,
  saltPosition,
  secretName,
  lookup,
}: ForeignHash): Recipe | undefined {
  if (isSlow(algorithm) || (salt !== null && lookup !== null)) return undefined;
  const parts = [algorithm, secretName ?? '', salt === null ? '' : `${saltPosition} ${salt}`];
  const isPlain = salt === null && secretName === null;
  const id = isPlain ? algorithm : `${algorithm} ${sha256(parts.join('\0')).slice(0, 32)}`;
  return { id, algorithm, salt, saltPosition, secretName };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The hash that a presented key would have. `secret`: of HMAC. */
export function computeHash(recipe: Omit<Recipe, 'id'>, key: string, secret?: Buffer): string | undefined {
  const { algorithm, salt, saltPosition } = recipe;
  const text = saltPosition === 'before' ? `${salt ?? ''}${key}` : `${key}${salt ?? ''}`;
  if (algorithm !== 'hmac-sha256') return createHash(algorithm).update(text).digest('hex');
  return secret && createHmac('sha256', secret).update(text).digest('hex');
}

/**
 * Digest of an imported hash under the pepper: its name in our tables, so that a stolen table opens
 * nothing, however weak the foreign key is. Zero bytes separate it from digests of secrets: no
 * secret contains one.
 */
export function digestRecipeHash(pepper: Pepper, recipeId: string, hash: string): KeyDigest {
  return digestSecret(pepper, `import\0recipe\0${recipeId}\0${hash}`);
}

export function digestForeignHash(pepper: Pepper, foreign: ForeignHash): KeyDigest {
  const recipe = recipeOf(foreign);
  if (recipe !== undefined) return digestRecipeHash(pepper, recipe.id, foreign.hash);
  const { algorithm, hash, salt, saltPosition, lookup } = foreign;
  const parts = [algorithm, hash, saltPosition, salt ?? '', lookup ?? ''];
  return digestSecret(pepper, `import\0lookup\0${JSON.stringify(parts)}`);
}

export const lookupLengths = { min: 4, max: 48 } as const;

/** Every text that may be the lookup of a presented key. */
export function lookupsOf(key: string): string[] {
  const { min, max } = lookupLengths;
  const lookups: string[] = [];
  for (let length = min; length <= Math.min(max, key.length - 1); length++)
    lookups.push(key.slice(0, length));
  return lookups;
}

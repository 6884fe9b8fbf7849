import { base62Alphabet } from './base62.ts';
import {
  checksumLength,
  namesEnvironment,
  publicLength,
  type SecretKind,
  secretKinds,
  slugLengthMax,
  tailLength,
} from './key-format.ts';

/** Public names of kinds: in the published patterns, the SDK and the command line. */
export const publicKinds = {
  user: 'user',
  master: 'master',
  tenant: 'tenant',
  platform: 'platform',
  apiUser: 'api_user',
} as const satisfies Record<SecretKind, string>;

export type PublicKind = (typeof publicKinds)[SecretKind];

export type KeyPattern = { kind: PublicKind; name: string; prefix: string; pattern: string };

const names: Record<SecretKind, string> = {
  user: 'Flowplate user key',
  master: 'Flowplate master key',
  tenant: 'Flowplate tenant key',
  platform: 'Flowplate platform key',
  apiUser: 'Flowplate API user key',
};

/**
 * The pattern of each kind of key, as a regular expression that every engine reads alike: RE2 (Go),
 * Hyperscan, PCRE and JavaScript. No look-around, no back-reference, no flags.
 */
export const keyPatterns: readonly KeyPattern[] = (Object.keys(secretKinds) as SecretKind[]).map((kind) => ({
  kind: publicKinds[kind],
  name: names[kind],
  prefix: secretKinds[kind],
  pattern: `${secretKinds[kind]}${namesEnvironment(kind) ? `[a-z0-9]{1,${slugLengthMax}}_` : ''}[0-9A-Za-z]{${tailLength}}`,
}));

/** Published at `/.well-known/flowplate-key-patterns.json`, and as a file in `deploy/leaks`. */
export const keyPatternsDocument = {
  version: 1,
  keys: keyPatterns.map(({ kind, name, prefix, pattern }) => ({
    kind,
    name,
    type: `flowplate_${kind}_key`,
    prefix,
    pattern,
  })),
  checksum: {
    description: `The last ${checksumLength} characters are the CRC-32 of all characters before them, in base 62. A text whose checksum is wrong is no key.`,
    algorithm: 'CRC-32/ISO-HDLC',
    encoding: 'base62, most significant digit first, padded with 0',
    alphabet: base62Alphabet,
    characters: checksumLength,
  },
  public_prefix: {
    description: `All but the last ${tailLength - publicLength} characters are public: the key_prefix of a key. They may be shown, logged and searched for.`,
    secret_characters: tailLength - publicLength,
  },
};

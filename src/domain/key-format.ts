import { crc32 } from 'node:zlib';
import { encodeBase62, isBase62, randomBase62 } from './base62.ts';
import type { RandomBytes } from './clock.ts';

/**
 * The shape of every secret we hand out:
 *
 *     fl_user_prod_a1b2c3d4K9…………………………xYz012AbCdEf
 *     └──┬──┘ └┬─┘ └───┬──┘└─────┬─────┘└──┬─┘
 *      kind    │   8 public   32 hidden  checksum: CRC-32 of all before it, 6 base62 digits
 *         environment    (40 random base62)
 *
 * Hidden user keys and master keys name their environment; the other kinds have none: `flkey_` +
 * the same tail.
 *
 * The checksum lets a mistyped or made-up key be refused without any I/O, and a secret scanner tell
 * a real one offline.
 */
export const secretKinds = {
  user: 'fl_user_',
  master: 'fl_master_',
  tenant: 'flkey_',
  platform: 'flplatform_',
  apiUser: 'flapi_',
} as const;

export type SecretKind = keyof typeof secretKinds;

export const environmentSlugPattern = /^[a-z0-9]{1,16}$/;

/**
 * 40 digits are 238 bits; with the first 8 public, 190 stay hidden: far above the 112 that make a
 * fast hash safe.
 */
const secretLength = 40;
export const publicLength = 8;
export const checksumLength = 6;
const suffixLength = 4;
export const tailLength = secretLength + checksumLength;
export const slugLengthMax = 16;

/** Kinds of secrets that name their environment. */
export type NamingKind = 'user' | 'master';

/**
 * `environment`: undefined for a kind without one. `prefix` and `suffix`, a part of the checksum,
 * may be shown.
 */
export type ParsedSecret = {
  kind: SecretKind;
  environment: string | undefined;
  prefix: string;
  suffix: string;
};

export function newSecret(kind: NamingKind, environment: string, randomBytes: RandomBytes): string {
  return withTail(`${secretKinds[kind]}${environment}_`, randomBytes);
}

export function newApiKeySecret(kind: Exclude<SecretKind, NamingKind>, randomBytes: RandomBytes): string {
  return withTail(secretKinds[kind], randomBytes);
}

function withTail(head: string, randomBytes: RandomBytes): string {
  const body = head + randomBase62(randomBytes, secretLength);
  return body + checksum(body);
}

/** Parses a secret. Undefined for text that is no secret of ours. No I/O, and never throws. */
export function parseSecret(text: string): ParsedSecret | undefined {
  const kind = kindOf(text);
  if (kind === undefined) return undefined;
  const start = secretKinds[kind].length;
  const tailStart = text.length - tailLength;
  const isNaming = namesEnvironment(kind);
  if (isNaming ? !isSlugBetween(text, start, tailStart) : tailStart !== start) return undefined;
  if (!isBase62(text.slice(tailStart))) return undefined;
  const bodyEnd = text.length - checksumLength;
  if (checksum(text.slice(0, bodyEnd)) !== text.slice(bodyEnd)) return undefined;
  return {
    kind,
    environment: isNaming ? text.slice(start, tailStart - 1) : undefined,
    prefix: text.slice(0, tailStart + publicLength),
    suffix: text.slice(-suffixLength),
  };
}

/** Whether it can be verified: a well-formed key of any kind except a master key. */
export function isVerifiable(text: string): boolean {
  const kind = parseSecret(text)?.kind;
  return kind !== undefined && kind !== 'master';
}

export function namesEnvironment(kind: SecretKind): kind is NamingKind {
  return kind === 'user' || kind === 'master';
}

function kindOf(text: string): SecretKind | undefined {
  if (text.startsWith(secretKinds.user)) return 'user';
  if (text.startsWith(secretKinds.tenant)) return 'tenant';
  if (text.startsWith(secretKinds.master)) return 'master';
  if (text.startsWith(secretKinds.platform)) return 'platform';
  if (text.startsWith(secretKinds.apiUser)) return 'apiUser';
  return undefined;
}

function isSlugBetween(text: string, start: number, tailStart: number): boolean {
  const slugLength = tailStart - 1 - start;
  if (slugLength < 1 || slugLength > slugLengthMax || text[tailStart - 1] !== '_') return false;
  return environmentSlugPattern.test(text.slice(start, tailStart - 1));
}

function checksum(body: string): string {
  return encodeBase62(crc32(body), checksumLength);
}

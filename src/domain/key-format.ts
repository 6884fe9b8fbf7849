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
 * The checksum lets a mistyped or made-up key be refused without any I/O, and a secret scanner tell a real one offline.
 */
export const secretKinds = { user: 'fl_user_', master: 'fl_master_' } as const;

export type SecretKind = keyof typeof secretKinds;

export const environmentSlugPattern = /^[a-z0-9]{1,16}$/;

/** 40 digits are 238 bits; with the first 8 public, 190 stay hidden: far above the 112 that make a fast hash safe. */
const secretLength = 40;
const publicLength = 8;
const checksumLength = 6;
const tailLength = secretLength + checksumLength;
const slugLengthMax = 16;

export type ParsedSecret = { kind: SecretKind; environment: string; prefix: string };

export function newSecret(kind: SecretKind, environment: string, randomBytes: RandomBytes): string {
  const body = `${secretKinds[kind]}${environment}_${randomBase62(randomBytes, secretLength)}`;
  return body + checksum(body);
}

/** What `text` says of itself, or undefined when it cannot be a secret of ours. No I/O, and no throw on any input. */
export function parseSecret(text: string): ParsedSecret | undefined {
  const kind = kindOf(text);
  if (kind === undefined) return undefined;
  const start = secretKinds[kind].length;
  const tailStart = text.length - tailLength;
  const slugLength = tailStart - 1 - start;
  if (slugLength < 1 || slugLength > slugLengthMax || text[tailStart - 1] !== '_') return undefined;
  const environment = text.slice(start, tailStart - 1);
  if (!environmentSlugPattern.test(environment) || !isBase62(text.slice(tailStart))) return undefined;
  const bodyEnd = text.length - checksumLength;
  if (checksum(text.slice(0, bodyEnd)) !== text.slice(bodyEnd)) return undefined;
  return { kind, environment, prefix: text.slice(0, tailStart + publicLength) };
}

function kindOf(text: string): SecretKind | undefined {
  if (text.startsWith(secretKinds.user)) return 'user';
  if (text.startsWith(secretKinds.master)) return 'master';
  return undefined;
}

function checksum(body: string): string {
  return encodeBase62(crc32(body), checksumLength);
}

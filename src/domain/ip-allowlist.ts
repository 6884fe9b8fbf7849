import { isIP } from 'node:net';
import { groupsOf, parseIpAddress } from './ip-address.ts';

/** Address and mask, eight 16-bit groups each. */
type Range = { groups: readonly number[]; masks: readonly number[] };

const groupIndexes = [0, 1, 2, 3, 4, 5, 6, 7];

/** Describes a valid range in error messages. */
export const ipRangeRule =
  'must be an IP address or a CIDR range such as 10.0.0.0/8 or 2001:db8::/32, without a zone';

/** `10.0.0.0/8`, `2001:db8::/32`, or one address. No zone (`%eth0`), no port, no leading zeros. */
export function isIpRange(text: string): boolean {
  return parseRange(text) !== undefined;
}

/**
 * Whether `ip`, as a header or a body spells it, lies in one of the ranges. Text that is no address
 * lies in none, and an entry that is no range holds nothing. IPv4 and IPv6 are one space, in which
 * IPv4 is IPv4-mapped: `::/0` holds all of both.
 */
export function isIpAllowed(ranges: readonly string[], ip: string | undefined): boolean {
  const address = parseIpAddress(ip);
  if (address === undefined) return false;
  const groups = groupsOf(address);
  return compiled(ranges).some((range) => holds(range, groups));
}

function holds({ groups, masks }: Range, address: readonly number[]): boolean {
  for (let index = 0; index < 8; index++) {
    if ((((address[index] ?? 0) ^ (groups[index] ?? 0)) & (masks[index] ?? 0)) !== 0) return false;
  }
  return true;
}

/**
 * Parsed lists, each kept as long as its list of texts. Not as `net.BlockList`: that takes 4.7 KB
 * outside the heap, and each of 200,000 keys in memory may have a list.
 */
const kept = new WeakMap<readonly string[], Range[]>();

function compiled(ranges: readonly string[]): Range[] {
  const known = kept.get(ranges);
  if (known !== undefined) return known;
  const parsed = ranges.map(parseRange).filter((range) => range !== undefined);
  kept.set(ranges, parsed);
  return parsed;
}

function parseRange(text: string): Range | undefined {
  const [, address = '', prefix] = /^([^/%]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? [];
  const family = isIP(address);
  const bits = family === 4 ? 32 : 128;
  const length = prefix === undefined ? bits : Number(prefix);
  if (family === 0 || length > bits) return undefined;
  const groups = groupsOf(address);
  const masks = masksOf(128 - bits + length);
  // `::ffff:10.0.0.0/8` reads like 10.0.0.0/8 and would hold all of IPv4.
  if (isIpv4Mapped(groups) && masks[5] !== 0xff_ff) return undefined;
  return { groups, masks };
}

function isIpv4Mapped(groups: readonly number[]): boolean {
  return groups[5] === 0xff_ff && groups.slice(0, 5).every((group) => group === 0);
}

function masksOf(length: number): number[] {
  return groupIndexes.map((index) => {
    const ones = Math.min(16, Math.max(0, length - 16 * index));
    return 0xff_ff & ~(0xff_ff >> ones);
  });
}

import ipaddr from 'ipaddr.js';
import { parseIpAddress } from '../domain/ip-address.ts';
import { isIpAllowed } from '../domain/ip-allowlist.ts';

/** `internal`: inside the configured ranges, where http is allowed too. */
export type AddressKind = 'public' | 'internal' | 'refused';

/**
 * Addresses of cloud metadata services. They give out credentials to any caller on the machine, so
 * a wide range does not open them: each must be listed by itself.
 */
const metadataAddresses: readonly string[] = [
  '169.254.169.254', // AWS, Azure, Google, OpenStack
  'fd00:ec2::254', // AWS
  'fd20:ce::254', // Google
  '169.254.170.2', // AWS ECS
  '169.254.170.23', // AWS EKS
  'fd00:ec2::23', // AWS EKS
  '100.100.100.200', // Alibaba
  '168.63.129.16', // Azure; a public address
  '192.0.0.192', // Oracle
];

/** Global unicast; other IPv6 addresses have a special meaning or none (RFC 4291 §2.4). */
const globalIpv6 = ipaddr.parseCIDR('2000::/3') as [ipaddr.IPv6, number];

/**
 * Rule for the addresses that events may be sent to. Public ones (IANA's registries of special
 * addresses, as `ipaddr.js` holds them), and those inside `internalRanges`.
 */
export function createAddressRule(internalRanges: readonly string[]): (address: string) => AddressKind {
  const listed = new Set(internalRanges.map((range) => parseIpAddress(range.replace(/\/(32|128)$/, ''))));
  return (text) => {
    const address = parseIpAddress(text);
    if (address === undefined) return 'refused';
    if (metadataAddresses.includes(address)) return listed.has(address) ? 'internal' : 'refused';
    if (isIpAllowed(internalRanges, address)) return 'internal';
    return isPublic(address) ? 'public' : 'refused';
  };
}

function isPublic(text: string): boolean {
  const address = ipaddr.parse(text);
  if (address.range() !== 'unicast') return false;
  return address.kind() === 'ipv4' || (address as ipaddr.IPv6).match(globalIpv6);
}

import { BlockList, isIP } from 'node:net';

/** `10.0.0.0/8`, `2001:db8::/32`, or one address. */
export function isIpRange(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  if (prefix === undefined) return true;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
}

/** Whether `ip` lies in one of the ranges. No address, or one that is none, lies in no range. */
export function isIpAllowed(ranges: readonly string[], ip: string | undefined): boolean {
  const family = ip === undefined ? 0 : isIP(ip);
  if (ip === undefined || family === 0) return false;
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/');
    const rangeFamily = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    list.addSubnet(
      address,
      prefix === undefined ? (rangeFamily === 'ipv4' ? 32 : 128) : Number(prefix),
      rangeFamily,
    );
  }
  return list.check(ip, family === 4 ? 'ipv4' : 'ipv6');
}

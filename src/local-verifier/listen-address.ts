import { isIP } from 'node:net';
import { isAbsolute } from 'node:path';

/** Where a server listens: a Unix domain socket, or a TCP address. */
export type ListenAddress = { path: string } | { host: string; port: number };

/** The longest path that Linux takes (`sun_path`); a longer one would be cut off without a word. */
const pathBytesMax = 107;

/** `unix:/path`, `host:port` or `[::1]:port`; undefined for everything else. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  if (text.startsWith('unix:')) return parsePath(text.slice('unix:'.length));
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port > 65_535) return undefined;
  return bracketed !== undefined && isIP(bracketed) !== 6 ? undefined : { host, port };
}

function parsePath(path: string): ListenAddress | undefined {
  const isPath = isAbsolute(path) && !path.endsWith('/') && Buffer.byteLength(path) <= pathBytesMax;
  return isPath ? { path } : undefined;
}

export function toText(address: ListenAddress): string {
  if ('path' in address) return `unix:${address.path}`;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

import { parseIpAddress } from '../domain/ip-address.ts';
import { isIpAllowed } from '../domain/ip-allowlist.ts';
import type { RequestHead } from './request-head.ts';

/** Canonical address of the caller; undefined when unknown, and then on no allow-list. */
export type ReadAddress = (req: Pick<RequestHead, 'socket' | 'headers'>) => string | undefined;

/**
 * Client address behind proxies: the peer of the connection and, as long as each hop is a trusted
 * proxy, the entries of `X-Forwarded-For` from the last to the first. An invalid entry makes the
 * address unknown: a trusted proxy wrote it, so neither the proxy nor an earlier entry may replace
 * the client.
 */
export function addressReader(trustedProxies: readonly string[]): ReadAddress {
  const readPeer = (req: Pick<RequestHead, 'socket'>) => parseIpAddress(req.socket.remoteAddress);
  if (trustedProxies.length === 0) return readPeer;
  return (req) => {
    let address = readPeer(req);
    for (const hop of forwardedFor(req).reverse()) {
      if (!isIpAllowed(trustedProxies, address)) break;
      address = parseIpAddress(hop);
    }
    return address;
  };
}

/** Node joins repeated headers with a comma, into one list. */
function forwardedFor(req: Pick<RequestHead, 'headers'>): string[] {
  const sent = req.headers['x-forwarded-for'];
  return typeof sent === 'string' ? sent.split(',') : [];
}

import type { IncomingMessage } from 'node:http';
import { parseIpAddress } from '../domain/ip-address.ts';
import { isIpAllowed } from '../domain/ip-allowlist.ts';

/**
 * The caller's address in its canonical spelling; undefined, and on no allow-list, when unknown.
 */
export type ReadAddress = (req: IncomingMessage) => string | undefined;

/**
 * Client address behind proxies: the peer of the connection and, as long as each hop is a trusted
 * proxy, the entries of `X-Forwarded-For` from the last to the first. An entry that is no address
 * ends the walk, and the address is unknown: a trusted proxy wrote that entry, so neither the proxy
 * nor an earlier entry may stand in for the client.
 */
export function addressReader(trustedProxies: readonly string[]): ReadAddress {
  const readPeer = (req: IncomingMessage) => parseIpAddress(req.socket.remoteAddress);
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

/** Several lines are one list: Node joins them with a comma. */
function forwardedFor(req: IncomingMessage): string[] {
  const sent = req.headers['x-forwarded-for'];
  return typeof sent === 'string' ? sent.split(',') : [];
}

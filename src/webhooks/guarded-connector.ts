import { isIP } from 'node:net';
import { buildConnector } from 'undici';
import { type AddressKind, createAddressRule } from './address-rule.ts';

/** All addresses of a name. */
export type ResolveName = (name: string) => Promise<readonly string[]>;

export type ConnectorOptions = {
  resolve: ResolveName;
  /** Networks of ours that events may be sent to. */
  internalRanges: readonly string[];
  /** Authorities in place of Node's. */
  ca?: string | undefined;
};

/** The name leads to an address that events may not be sent to. */
export class AddressRefused extends Error {}

/** Two addresses that do not answer can be tried within an attempt. */
const connectMsMax = 4_500;

/**
 * Connect step of the HTTP client against SSRF: resolves the name once, checks every address that
 * it leads to, and connects to one of these addresses by number. A name that changes after the
 * check changes nothing (DNS rebinding). TLS and `Host` go by the name.
 */
export function guardedConnector({
  resolve,
  internalRanges,
  ca,
}: ConnectorOptions): buildConnector.connector {
  const kindOf = createAddressRule(internalRanges);
  const connect = buildConnector({
    allowH2: false,
    timeout: connectMsMax,
    // Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED=0 changes nothing.
    rejectUnauthorized: true,
    ...(ca !== undefined && { ca }),
  });
  return (options, callback) => {
    const name = options.hostname.replace(/^\[(.*)\]$/, '$1');
    findAddresses(name, options.protocol, resolve, kindOf).then(
      (addresses) => connectToFirst(connect, addresses, { ...options, ...serverName(name) }, callback),
      (error) => callback(error, null),
    );
  };
}

/** No server name for an address (RFC 6066 §3): the certificate must then name the address. */
function serverName(name: string): { servername?: string } {
  return { servername: isIP(name) === 0 ? name : '' };
}

async function findAddresses(
  name: string,
  protocol: string,
  resolve: ResolveName,
  kindOf: (address: string) => AddressKind,
): Promise<readonly string[]> {
  const addresses = isIP(name) === 0 ? await resolve(name) : [name];
  if (addresses.length === 0) throw Object.assign(new Error('no address'), { code: 'ENOTFOUND' });
  for (const address of addresses) {
    const kind = kindOf(address);
    // One bad address refuses the name: which of them answers is not ours to choose.
    if (kind === 'refused' || (kind === 'public' && protocol === 'http:')) throw new AddressRefused();
  }
  return addresses;
}

function connectToFirst(
  connect: buildConnector.connector,
  [address, ...others]: readonly string[],
  options: buildConnector.Options,
  callback: buildConnector.Callback,
): void {
  if (address === undefined) return;
  const { servername, ...rest } = options;
  const target = { ...rest, hostname: address, ...(options.protocol === 'https:' && { servername }) };
  connect(target as buildConnector.Options, (...[error, socket]) => {
    if (error !== null && others.length > 0) return connectToFirst(connect, others, options, callback);
    callback(...([error, socket] as Parameters<buildConnector.Callback>));
  });
}

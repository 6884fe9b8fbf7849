import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { type ClientCertificate, identityOf } from '../domain/client-certificate.ts';

type Noted = ClientCertificate & {
  /** Fingerprint of the CA at the end of its chain. */
  ca: string;
};

/** No chain is longer. It also ends the walk should one lead in a circle. */
const chainLengthMax = 10;

/**
 * The certificates that clients have proven in their handshakes, by connection. A connection may
 * outlive its certificate, and the trust in its CA, so each request asks again. No header says
 * anything here.
 */
export class ClientCertificates {
  readonly #byConnection = new WeakMap<object, Noted>();
  #cas: ReadonlySet<string> = new Set();

  /** From now on only chains that end in one of these CAs count, also on open connections. */
  trust(cas: ReadonlySet<string>): void {
    this.#cas = cas;
  }

  /** After the handshake. A certificate that OpenSSL did not verify leaves no trace. */
  note(socket: TLSSocket): void {
    const certificate = socket.authorized ? readCertificate(socket) : undefined;
    if (certificate !== undefined) this.#byConnection.set(socket, certificate);
  }

  /** The certificate of this connection, as long as it counts. */
  of(connection: object, nowMs: number): ClientCertificate | undefined {
    const certificate = this.#byConnection.get(connection);
    if (certificate === undefined || !this.#cas.has(certificate.ca)) return undefined;
    return nowMs < certificate.endsAtMs ? certificate : undefined;
  }
}

function readCertificate(socket: TLSSocket): Noted | undefined {
  const leaf = socket.getPeerX509Certificate();
  const identity = leaf && identityOf(leaf);
  if (identity === undefined) return undefined;
  const chain = chainOf(socket.getPeerCertificate(true));
  const ca = chain.at(-1)?.fingerprint256;
  const endsAtMs = Math.min(...chain.map(({ valid_to: end }) => Date.parse(end)));
  return ca === undefined || Number.isNaN(endsAtMs) ? undefined : { identity, endsAtMs, ca };
}

/** A root is its own issuer. */
function chainOf(leaf: DetailedPeerCertificate): DetailedPeerCertificate[] {
  const chain = [leaf];
  for (let next = leaf.issuerCertificate; chain.length < chainLengthMax; next = next.issuerCertificate) {
    if (next === undefined || next.fingerprint256 === chain.at(-1)?.fingerprint256) break;
    chain.push(next);
  }
  return chain;
}

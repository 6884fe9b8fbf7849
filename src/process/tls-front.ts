import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { createServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import type { ClientCertificates } from './client-certificates.ts';
import { readTlsFiles, type TlsFiles, type TlsSetUp } from './tls-files.ts';

/** From the connection to the end of its handshake. */
const handshakeMsMax = 5_000;

/** Gives a connection to a server as if it had come without TLS. */
export type TakeConnection = (socket: Socket) => void;

/**
 * TLS in front of an HTTP server. The HTTP server still accepts the connections, so that its own
 * limits and its shutdown hold; it gets each one after the handshake. `reload` changes certificate,
 * key and CAs for new connections, and leaves the others alone.
 */
export class TlsFront {
  readonly #files: TlsFiles;
  readonly #server: TlsServer;
  readonly #clients: ClientCertificates;

  constructor(server: Server, files: TlsFiles, clients: ClientCertificates) {
    const setUp = readTlsFiles(files, new Date());
    this.#files = files;
    this.#clients = clients;
    clients.trust(setUp.clientCas);
    const take = connectionTaker(server);
    server.removeAllListeners('connection');
    this.#server = createServer(
      {
        ...setUp.context,
        ALPNProtocols: ['http/1.1'],
        handshakeTimeout: handshakeMsMax,
        requestCert: files.clientCas !== undefined,
        // A request without a certificate that counts may still have a secret.
        rejectUnauthorized: false,
      },
      (socket: TLSSocket) => {
        clients.note(socket);
        take(socket);
      },
    );
    server.on('connection', (socket: Socket) => this.#server.emit('connection', socket));
  }

  /** Throws, and keeps what it has, when the files cannot be used. */
  reload(): TlsSetUp {
    const setUp = readTlsFiles(this.#files, new Date());
    this.#server.setSecureContext(setUp.context);
    this.#clients.trust(setUp.clientCas);
    return setUp;
  }
}

/** The server's own way of taking a connection, whatever is put in front of it later. */
export function connectionTaker(server: Server): TakeConnection {
  const takers = server.listeners('connection') as TakeConnection[];
  return (socket) => {
    for (const take of takers) take.call(server, socket);
  };
}

import { connect } from 'node:tls';
import { AbstractConnector, type RedisOptions } from 'ioredis';

type Stream = Awaited<ReturnType<AbstractConnector['connect']>>;

/**
 * Opens TLS connections to one server. ioredis's own listens for the first error of a connection
 * only. With TLS a second one may follow, such as an alert of the server behind a broken
 * connection, and an error that nobody listens for would end the process.
 */
export class TlsConnector extends AbstractConnector {
  readonly #options: RedisOptions;

  constructor(options: unknown) {
    const { disconnectTimeout = 2_000 } = options as RedisOptions;
    super(disconnectTimeout);
    this.#options = options as RedisOptions;
  }

  connect(): Promise<Stream> {
    const { host, port, family, tls } = this.#options;
    this.connecting = true;
    return new Promise((resolve, reject) => {
      // Disconnected in the same turn, it opens nothing.
      process.nextTick(() => {
        if (!this.connecting) return reject(new Error('Connection is closed.'));
        const stream = connect({ host, port, ...(family !== undefined && { family }), ...tls });
        stream.on('error', (error) => {
          this.firstError ??= error;
        });
        this.stream = stream;
        resolve(stream);
      });
    });
  }
}

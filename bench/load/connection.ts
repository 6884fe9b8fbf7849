import { connect, type Socket } from 'node:net';
import { AnswerReader, type HttpAnswer } from './answer-reader.ts';

/** Keep-alive connection with at most one request in flight. */
export class Connection {
  readonly #socket: Socket;
  readonly #reader = new AnswerReader();
  #onAnswer: (answer: HttpAnswer) => void = () => undefined;
  #onFault: (error: Error) => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      const answer = this.#reader.push(chunk);
      if (answer !== undefined) this.#onAnswer(answer);
    });
    socket.on('error', (error) => this.#onFault(error));
    socket.on('end', () => this.#onFault(new Error('The server closed a connection')));
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new Connection(socket)));
    });
  }

  /** Sends one request; `onAnswer` is called when its answer is complete. */
  send(request: string, onAnswer: (answer: HttpAnswer) => void): void {
    this.#onAnswer = onAnswer;
    this.#socket.write(request, 'latin1');
  }

  onFault(onFault: (error: Error) => void): void {
    this.#onFault = onFault;
  }

  close(): void {
    this.#onFault = () => undefined;
    this.#socket.destroy();
  }
}

/** Opens `count` connections, passes them to `use`, and closes them; rejects at the first error. */
export async function withConnections<T>(
  port: number,
  count: number,
  use: (connections: readonly Connection[]) => Promise<T>,
): Promise<T> {
  const connections = await Promise.all(Array.from({ length: count }, () => Connection.open(port)));
  const fault = Promise.withResolvers<never>();
  for (const connection of connections) connection.onFault(fault.reject);
  try {
    return await Promise.race([use(connections), fault.promise]);
  } finally {
    for (const connection of connections) connection.close();
  }
}

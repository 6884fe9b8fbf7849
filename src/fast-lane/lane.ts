import type { Socket } from 'node:net';
import { AnswerText } from './answer-text.ts';
import type { Endpoint } from './endpoint.ts';
import { KnownEndpoint } from './known-endpoint.ts';
import { type ConnectionParts, LaneConnection } from './lane-connection.ts';

export type LaneOptions = {
  endpoints: readonly Endpoint[];
  /** False hands every connection over with its next request. */
  isOpen: () => boolean;
  /** From the connection to its first byte. */
  firstByteMsMax: number;
  /** Without a byte read or taken. */
  idleMsMax: number;
  /** What `Keep-Alive` promises. */
  keepAliveSeconds: number;
};

/** Connections are checked at this interval; its length adds to each limit. */
const roundMs = 1_000;

const tooLate = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n';

/**
 * All connections that the lane has, and their time-outs. One timer for all of them: a timer of
 * each socket costs more than reading its request.
 */
export class Lane {
  readonly #connections = new Set<LaneConnection>();
  readonly #options: LaneOptions;
  readonly #parts: ConnectionParts;
  #round = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LaneOptions, toNodeHttp: (socket: Socket) => void) {
    this.#options = options;
    this.#parts = {
      endpoints: options.endpoints.map((endpoint) => new KnownEndpoint(endpoint)),
      answerText: new AnswerText(options.keepAliveSeconds),
      isOpen: options.isOpen,
      toNodeHttp,
      onLeave: (connection) => this.#forget(connection),
      round: () => this.#round,
    };
  }

  take(socket: Socket): void {
    this.#connections.add(new LaneConnection(this.#parts, socket));
    this.#timer ??= setInterval(() => this.#checkTimes(), roundMs).unref();
  }

  /** Of connections that have had an answer. A new one may have sent its first request already. */
  closeIdle(): void {
    for (const connection of this.#connections) {
      if (connection.isIdle && !connection.isNew) connection.close();
    }
  }

  closeAll(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  #forget(connection: LaneConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #checkTimes(): void {
    this.#round++;
    const { firstByteMsMax, idleMsMax } = this.#options;
    for (const connection of this.#connections) {
      const idleMs = connection.idleRounds * roundMs;
      if (connection.isNew && idleMs > firstByteMsMax) connection.refuse(tooLate);
      else if (idleMs > idleMsMax) connection.destroy();
    }
  }
}

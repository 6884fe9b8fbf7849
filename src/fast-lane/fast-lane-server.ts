import { type RequestListener, Server, type ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import { Lane, type LaneOptions } from './lane.ts';

/**
 * `node:http` server with the fast lane in front: the lane gets each new connection, and hands it
 * to node:http with the first request that it does not know byte for byte
 * (docs/decisions/0030-fast-lane.md).
 */
export class FastLaneServer extends Server {
  readonly #lane: Lane;

  constructor(options: ServerOptions, listener: RequestListener, lane: LaneOptions) {
    super(options, listener);
    const takers = this.listeners('connection') as ((socket: Socket) => void)[];
    this.removeAllListeners('connection');
    this.#lane = new Lane(lane, (socket) => {
      for (const take of takers) take.call(this, socket);
    });
    this.on('connection', (socket: Socket) => this.#lane.take(socket));
  }

  /** Node's `close` calls this too. */
  override closeIdleConnections(): void {
    super.closeIdleConnections();
    this.#lane.closeIdle();
  }

  override closeAllConnections(): void {
    super.closeAllConnections();
    this.#lane.closeAll();
  }
}

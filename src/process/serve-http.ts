import type { Server } from 'node:http';
import type { Server as SocketServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Requests take about a second at most. A connection that is still open then has a client that does
 * not read.
 */
const drainMsMax = 8_000;

export function listen(server: SocketServer, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

/**
 * Drains the server: no new connections, running requests finish, idle connections close. The same
 * for another server whose connections it answers.
 */
export async function drain(server: Server, socketServer?: SocketServer): Promise<void> {
  const closed = Promise.all([close(server), socketServer && close(socketServer)]);
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  await Promise.race([closed, sleep(drainMsMax, undefined, { ref: false })]);
  clearInterval(idle);
  server.closeAllConnections();
}

function close(server: SocketServer): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

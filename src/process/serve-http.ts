import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Requests take about a second at most. A connection that is still open then has a client that does
 * not read.
 */
const drainMsMax = 8_000;

export function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

/** Drains the server: no new connections, running requests finish, idle connections close. */
export async function drain(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  await Promise.race([closed, sleep(drainMsMax, undefined, { ref: false })]);
  clearInterval(idle);
  server.closeAllConnections();
}

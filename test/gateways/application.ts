import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { atEnd } from '../support/at-end.ts';

/** A request as it reached the application behind the gateway. */
export type Received = { method: string; url: string; headers: IncomingHttpHeaders; body: string };

export type Application = { port: number; received: Received[] };

/**
 * Remembers every request, and answers with 200, or with the status that the path ends with:
 * `/status/418`.
 */
export async function startApplication(): Promise<Application> {
  const received: Received[] = [];
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const { method = '', url = '', headers } = req;
      received.push({ method, url, headers, body: Buffer.concat(chunks).toString('latin1') });
      res.writeHead(Number(/\/status\/(\d+)$/.exec(url)?.[1] ?? 200), { 'x-from': 'application' });
      res.end('from the application');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(() => {
    server.close();
    server.closeAllConnections();
  });
  return { port: (server.address() as AddressInfo).port, received };
}

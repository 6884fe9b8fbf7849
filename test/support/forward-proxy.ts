import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { listen } from '../../src/process/serve-http.ts';
import { atEnd } from './at-end.ts';

/** A proxied request, headers included; of a tunnel only its opening. */
export type Passed = { kind: 'forward' | 'tunnel'; target: string; headers: IncomingMessage['headers'] };

export type ForwardProxy = { url: string; passed: Passed[] };

/**
 * Corporate proxy: forwards requests for http:// and opens tunnels (CONNECT) for https://. It finds
 * every host on this machine, so that a client can use names which only the proxy knows. With
 * `credentials` it answers 407 without them.
 */
export async function startForwardProxy(credentials?: string): Promise<ForwardProxy> {
  const passed: Passed[] = [];
  const sockets = new Set<Socket>();
  const direct = new Agent();
  const isWelcome = ({ headers }: IncomingMessage) =>
    credentials === undefined ||
    headers['proxy-authorization'] === `Basic ${Buffer.from(credentials).toString('base64')}`;

  const forward = (req: IncomingMessage, res: ServerResponse) => {
    passed.push({ kind: 'forward', target: req.url ?? '', headers: req.headers });
    if (!isWelcome(req)) return void res.writeHead(407, { 'proxy-authenticate': 'Basic' }).end();
    const { port, pathname, search } = new URL(req.url ?? '');
    const { 'proxy-authorization': _, 'proxy-connection': __, ...headers } = req.headers;
    const options = { agent: direct, host: '127.0.0.1', port, method: req.method, headers, setHost: false };
    const onward = request({ ...options, path: pathname + search }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(res);
    });
    onward.on('error', () => res.writeHead(502).end());
    req.pipe(onward);
  };

  const server = createServer(forward);
  server.on('connect', (req: IncomingMessage, client: Socket, head: Buffer) => {
    passed.push({ kind: 'tunnel', target: req.url ?? '', headers: req.headers });
    if (!isWelcome(req)) return void client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const [, port] = /:(\d+)$/.exec(req.url ?? '') ?? [];
    const target = connect(Number(port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      target.write(head);
      target.pipe(client).pipe(target);
    });
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
  });
  const port = await listen(server, 0, '127.0.0.1');
  atEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    server.close();
    direct.destroy();
  });
  return { url: `http://${credentials === undefined ? '' : `${credentials}@`}127.0.0.1:${port}`, passed };
}

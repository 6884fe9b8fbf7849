import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listen } from '../../src/process/serve-http.ts';

export type Received = { path: string; headers: Record<string, string>; body: string };

type Answer = (received: Received, res: ServerResponse) => void;

/** A receiver of webhooks on a loopback port. It keeps what it gets, and answers 204 by default. */
export async function startReceiver() {
  const received: Received[] = [];
  let answer: Answer = (_, res) => res.writeHead(204).end();
  const server = createServer((req, res) => {
    void readBody(req).then((body) => {
      const one = { path: req.url ?? '', headers: req.headers as Record<string, string>, body };
      received.push(one);
      answer(one, res);
    });
  });
  const port = await listen(server, 0, '127.0.0.1');
  return {
    received,
    url: `http://127.0.0.1:${port}/hook`,
    port,
    /** Ids of the events of one path, in the order of their arrival. */
    ids: (path = '/hook') =>
      received.filter((one) => one.path === path).map(({ headers }) => headers['webhook-id'] ?? ''),
    answer: (next: Answer) => {
      answer = next;
    },
    answerStatus: (status: number) => {
      answer = (_, res) => res.writeHead(status).end();
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;

async function readBody(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

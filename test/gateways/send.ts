import { Agent, type IncomingHttpHeaders, request } from 'node:http';

export type Sent = { status: number; headers: IncomingHttpHeaders; body: string };

export type SendOptions = {
  method?: string;
  /** A list is sent as that many lines. */
  headers?: Record<string, string | string[]>;
  body?: Buffer;
  /** Keeps the connection; otherwise each request has its own. */
  agent?: Agent;
};

/**
 * A request as any client may send it: with a path that nobody has tidied up, and headers that come
 * twice.
 */
export function send(origin: string, path: string, options: SendOptions = {}): Promise<Sent> {
  const { method = 'GET', headers = {}, body, agent = new Agent() } = options;
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(origin);
    const outgoing = request({ hostname, port, path, method, headers, agent }, (incoming) => {
      let text = '';
      incoming.setEncoding('latin1').on('data', (part: string) => {
        text += part;
      });
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text }),
      );
      incoming.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

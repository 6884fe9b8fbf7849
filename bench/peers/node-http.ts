import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** Length of a real verdict, so that both sides write as many bytes. */
const verdict = JSON.stringify({
  valid: true,
  code: 'VALID',
  key_id: 'flk_0000000000000000000000',
  user_id: 'user_00000',
  organization_id: 'org_00',
  environment: 'prod',
  scopes: [],
  metadata: {},
  expires_at: null,
});

/** Lower bound of an HTTP answer on this runtime: body read and parsed, a fixed answer sent. */
export function nodeHttp(): Server {
  return createServer((req, res) => {
    readJson(req, () => answerJson(res, 200, verdict));
  });
}

export function readJson(req: IncomingMessage, onBody: (body: unknown) => void): void {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => onBody(JSON.parse(Buffer.concat(chunks).toString())));
}

export function answerJson(res: ServerResponse, status: number, body: string): void {
  res.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
  res.end(body);
}

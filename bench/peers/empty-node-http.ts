import { createServer, type Server } from 'node:http';

/**
 * The floor under forward auth: a fixed 200 without a body, and nothing read but what Node itself
 * reads.
 */
export function emptyNodeHttp(): Server {
  return createServer((_req, res) => {
    res.writeHead(200, { 'Content-Length': '0' });
    res.end();
  });
}

import { createServer, type Server } from 'node:http';

/** Lower bound of forward auth: a fixed 200 without a body, and no header read. */
export function emptyNodeHttp(): Server {
  return createServer((_req, res) => {
    res.writeHead(200, { 'Content-Length': '0' });
    res.end();
  });
}

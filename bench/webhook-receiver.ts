import { createServer, type Socket } from 'node:net';

/**
 * Receiver of webhooks that answers 204 and keeps which event came when, in a process of its own.
 * Reads HTTP itself: it must not be what limits the worker. `GET /arrivals` hands over what came
 * since the last time, one arrival a line: path, event, milliseconds since 1970.
 */
const answer = Buffer.from('HTTP/1.1 204 No Content\r\n\r\n');
let arrivals: string[] = [];

createServer((socket) => {
  socket.setNoDelay(true);
  let unread = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    unread += chunk;
    for (;;) {
      const length = takeRequest(socket, unread);
      if (length === 0) return;
      unread = unread.slice(length);
    }
  });
  socket.on('error', () => socket.destroy());
}).listen(Number(process.env.PORT), '127.0.0.1');

process.once('SIGTERM', () => process.exit(0));

/** Length of the first request in the text; 0 while it is not whole. */
function takeRequest(socket: Socket, text: string): number {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd === -1) return 0;
  const head = text.slice(0, headEnd);
  const length = headEnd + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  if (text.length < length) return 0;
  if (head.startsWith('GET ')) sendArrivals(socket);
  else {
    const path = head.slice(head.indexOf(' ') + 1, head.indexOf(' HTTP/'));
    arrivals.push(`${path} ${/\r\nwebhook-id: *(\S+)/i.exec(head)?.[1] ?? '-'} ${Date.now()}`);
    socket.write(answer);
  }
  return length;
}

function sendArrivals(socket: Socket): void {
  const body = Buffer.from(arrivals.join('\n'));
  arrivals = [];
  socket.write(`HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\n\r\n`);
  socket.write(body);
}

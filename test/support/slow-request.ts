import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { statusesOf } from './raw-request.ts';

/** Long enough for a request whose head has arrived to be admitted. */
const admittedMs = 200;

/**
 * Sends the head of a request without its body, so that its caller is admitted now. `finish` sends
 * the body and returns the status.
 */
export async function slowRequest(
  url: string,
  operation: string,
  { headers, body }: { headers: Record<string, string>; body: object },
): Promise<{ finish(): Promise<number> }> {
  const { hostname, port, host } = new URL(url);
  const text = JSON.stringify(body);
  const socket = connect(Number(port), hostname);
  const lines = Object.entries({
    host,
    connection: 'close',
    'content-type': 'application/json',
    'content-length': String(text.length),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}`);
  socket.setEncoding('latin1');
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk;
  });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => undefined);
  socket.write(`${operation} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  await sleep(admittedMs);
  return {
    finish: async () => {
      socket.write(text);
      await closed;
      return statusesOf(received)[0] ?? 0;
    },
  };
}

import { connect, createServer, type Socket } from 'node:net';
import { atEnd } from './at-end.ts';

/**
 * `before`: the server never gets it. `after`: the server has answered, and the client never gets
 * the answer.
 */
export type Moment = 'before' | 'after';

/**
 * Waits for `text` on its way to the server, after `following` on the same connection, in any case.
 */
export type Tripwire = { text: string; following?: string; moment: Moment; trip: () => void };

export type TcpProxy = { port: number; arm(tripwire: Tripwire): void };

/** Proxy that passes everything until a tripwire, and nothing afterwards. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  let armed: Tripwire | undefined;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    const target = connect(targetPort, '127.0.0.1');
    keep(client);
    keep(target);
    let sent = '';
    let trippedBy: Tripwire | undefined;
    client.on('data', (chunk) => {
      sent += chunk.toString('latin1').toLowerCase();
      if (armed !== undefined && isMet(armed, sent)) {
        trippedBy = armed;
        armed = undefined;
      }
      if (trippedBy?.moment === 'before') trippedBy.trip();
      else target.write(chunk);
    });
    target.on('data', (chunk) => {
      if (trippedBy !== undefined) trippedBy.trip();
      else client.write(chunk);
    });
    client.on('close', () => target.destroy());
    target.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    arm: (tripwire) => {
      armed = tripwire;
    },
  };
}

function isMet({ text, following = '' }: Tripwire, sent: string): boolean {
  const start = following === '' ? 0 : sent.lastIndexOf(following.toLowerCase());
  return start >= 0 && sent.includes(text.toLowerCase(), start + following.length);
}

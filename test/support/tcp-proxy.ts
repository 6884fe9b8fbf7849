import { connect, createServer, type Socket } from 'node:net';
import { atEnd } from './at-end.ts';

/**
 * `before`: the server does not get it any more. `after`: the server has answered it, and the
 * client does not hear of it.
 */
export type Moment = 'before' | 'after';

/**
 * Waits for `text` on its way to the server, after `following` on the same connection, whatever the
 * case of its letters.
 */
export type Tripwire = { text: string; following?: string; moment: Moment; trip: () => void };

export type TcpProxy = { port: number; arm(tripwire: Tripwire): void };

/**
 * Stands before a server on the loopback interface and lets everything through, until a tripwire is
 * met: then nothing more.
 */
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

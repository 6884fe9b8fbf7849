import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { atEnd } from '../support/at-end.ts';

/**
 * `silent` takes connections and never answers, `closed` refuses them, `reset` takes and breaks
 * them.
 */
export type LinkState = 'open' | 'silent' | 'closed' | 'reset';

export type Link = {
  port: number;
  /** How many connections were taken so far. */
  taken(): number;
  /**
   * Breaks what is connected; from then on new connections meet this state, and when open, this
   * target.
   */
  become(state: LinkState, target?: number): Promise<void>;
};

/** A way over TCP to a port of this machine that can be cut. */
export async function openLink(targetPort: number): Promise<Link> {
  const now = { state: 'open' as LinkState, target: targetPort, taken: 0 };
  const sockets = new Set<Socket>();
  const hold = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer((socket) => {
    hold(socket);
    now.taken += 1;
    if (now.state === 'reset') socket.resetAndDestroy();
    if (now.state === 'silent') socket.resume();
    if (now.state !== 'open') return;
    const onward = connect(now.target, '127.0.0.1');
    hold(onward);
    socket.pipe(onward).pipe(socket);
    socket.on('close', () => onward.destroy());
    onward.on('close', () => socket.destroy());
  });
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const breakAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const close = async () => {
    if (!server.listening) return;
    server.close();
    breakAll();
    await once(server, 'close');
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  atEnd(close);
  return {
    port,
    taken: () => now.taken,
    become: async (state, target = now.target) => {
      Object.assign(now, { state, target });
      breakAll();
      if (state === 'closed') await close();
      else if (!server.listening) await listen(port);
    },
  };
}

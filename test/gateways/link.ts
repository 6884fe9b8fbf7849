import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { atEnd } from '../support/at-end.ts';

/**
 * `silent` takes connections and never answers, `closed` refuses them, `reset` takes and breaks
 * them.
 */
export type LinkState = 'open' | 'silent' | 'closed' | 'reset';

export type Link = {
  /** Its end: a port of this machine, or a path. */
  at: number | string;
  /** How many connections were taken so far. */
  taken(): number;
  /**
   * Breaks what is connected; from then on new connections meet this state, and when open, this
   * target.
   */
  become(state: LinkState, target?: number | string): Promise<void>;
};

/** A way to a port of this machine that can be cut; or from a socket at `path` to another one. */
export async function openLink(firstTarget: number | string, path?: string): Promise<Link> {
  const now = { state: 'open' as LinkState, target: firstTarget, taken: 0 };
  const sockets = new Set<Socket>();
  const hold = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer((socket) => {
    hold(socket);
    now.taken += 1;
    // A Unix socket has no reset: its end comes without a word.
    if (now.state === 'reset' && path === undefined) socket.resetAndDestroy();
    else if (now.state === 'reset') socket.destroy();
    if (now.state === 'silent') socket.resume();
    if (now.state !== 'open') return;
    const { target } = now;
    const onward = typeof target === 'string' ? connect(target) : connect(target, '127.0.0.1');
    hold(onward);
    socket.pipe(onward).pipe(socket);
    socket.on('close', () => onward.destroy());
    onward.on('close', () => socket.destroy());
  });
  const listen = async (at: number | string) => {
    if (typeof at === 'string') server.listen(at);
    else server.listen(at, '127.0.0.1');
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
  await listen(path ?? 0);
  const at = path ?? (server.address() as AddressInfo).port;
  atEnd(close);
  return {
    at,
    taken: () => now.taken,
    become: async (state, target = now.target) => {
      Object.assign(now, { state, target });
      breakAll();
      if (state === 'closed') await close();
      else if (!server.listening) await listen(at);
    },
  };
}

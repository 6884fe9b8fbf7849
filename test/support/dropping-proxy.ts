import { createServer, type Socket, connect as tcpConnect } from 'node:net';
import { atEnd } from './at-end.ts';

/** Proxy that can cut the network silently at any moment. */
export type DroppingProxy = {
  port: number;
  /** `url` with this proxy's port in place of the server's. */
  through(url: string): string;
  /** Drops everything in both directions without a sign; data sent meanwhile is lost. */
  drop(): void;
  /** Accepts new connections; those that lost data are reset. */
  restore(): void;
  /** New connections go to another server, and the present ones are reset. */
  leadTo(port: number): void;
  /** New connections go to another server, and the present ones go on. */
  leadNewTo(port: number): void;
};

type Pair = { near: Socket; far: Socket };

export async function startDroppingProxy(port: number): Promise<DroppingProxy> {
  const pairs = new Set<Pair>();
  let target = port;
  let isDropping = false;
  const server = createServer((near) => {
    const pair = { near, far: tcpConnect(target, '127.0.0.1') };
    pairs.add(pair);
    for (const socket of [pair.near, pair.far]) {
      const other = socket === pair.near ? pair.far : pair.near;
      socket.setNoDelay();
      socket.on('data', (bytes) => isDropping || other.write(bytes));
      // A close is data too.
      socket.on('close', () => isDropping || reset(pair));
      socket.on('error', () => undefined);
    }
  });
  const reset = (pair: Pair) => {
    pairs.delete(pair);
    pair.near.destroy();
    pair.far.destroy();
  };
  const resetAll = () => [...pairs].forEach(reset);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    resetAll();
    server.close();
  });
  const own = (server.address() as { port: number }).port;
  return {
    port: own,
    through: (url) => {
      const changed = new URL(url);
      changed.port = String(own);
      return changed.href;
    },
    drop: () => {
      isDropping = true;
    },
    restore: () => {
      resetAll();
      isDropping = false;
    },
    leadTo: (other) => {
      target = other;
      resetAll();
    },
    leadNewTo: (other) => {
      target = other;
    },
  };
}

import { statSync } from 'node:fs';
import type { Server } from 'node:http';
import { listen } from '../process/serve-http.ts';
import { listenOnSocket, socketMode } from '../process/unix-socket.ts';
import type { Listener } from './gate-parts.ts';
import { type ListenAddress, toText } from './listen-address.ts';

export type OpenListener<S> = { server: S; address: string };

/**
 * Opens a listener. A Unix socket is trusted when its mode is 0660, or as the options say: the
 * rights of the file decide who connects. A TCP address never is, since every user of the machine
 * can connect to it.
 */
export async function openListener(
  address: ListenAddress,
  trust: boolean | undefined,
  create: (listener: Listener) => Server,
): Promise<OpenListener<Server>> {
  const listener = { isTrusted: false };
  const server = create(listener);
  if ('path' in address) {
    await listenOnSocket(server, address.path);
    listener.isTrusted = trust ?? (statSync(address.path).mode & 0o777) === socketMode;
    return { server, address: toText(address) };
  }
  const port = await listen(server, address.port, address.host);
  return { server, address: toText({ ...address, port }) };
}

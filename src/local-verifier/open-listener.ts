import { statSync } from 'node:fs';
import type { Server } from 'node:net';
import { listen } from '../process/serve-http.ts';
import { listenOnSocket, socketMode } from '../process/unix-socket.ts';
import type { GateParts, Listener } from './gate-parts.ts';
import { type ListenAddress, toText } from './listen-address.ts';

/** A server that was not opened yet, and how it ends: running requests finish. */
export type GateServer = { server: Server; drain(): Promise<void> };

export type CreateGateServer = (parts: GateParts, listener: Listener) => GateServer;

export type OpenListener = Pick<GateServer, 'drain'> & { address: string };

/**
 * Opens a listener. A Unix socket is trusted when its mode is 0660, or as the options say: the
 * rights of the file decide who connects. A TCP address never is, since every user of the machine
 * can connect to it.
 */
export async function openListener(
  address: ListenAddress,
  trust: boolean | undefined,
  create: (listener: Listener) => GateServer,
): Promise<OpenListener> {
  const listener = { isTrusted: false };
  const { server, drain } = create(listener);
  if ('path' in address) {
    await listenOnSocket(server, address.path);
    listener.isTrusted = trust ?? (statSync(address.path).mode & 0o777) === socketMode;
    return { drain, address: toText(address) };
  }
  const port = await listen(server, address.port, address.host);
  return { drain, address: toText({ ...address, port }) };
}

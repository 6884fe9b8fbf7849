import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import type { TakeConnection } from './tls-front.ts';

/** Readable and writable by the owner and its group, and by nobody else. */
export const socketMode = 0o660;

/**
 * Listens on a Unix domain socket with mode 0660. Replaces the socket file of a process that died.
 * Rejects when a living process listens there, or when the path is another kind of file. The file
 * goes when the server closes.
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  await removeStaleSocket(path);
  await listening(server, path);
}

/** Removes the socket file of a process that died. Rejects when a process answers there. */
export async function removeStaleSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path} exists and is no socket`);
  if (await isAnswered(path)) throw new Error(`${path} is in use by another process`);
  rmSync(path, { force: true });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (isThere: boolean) => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', () => end(true));
    // Without the right to connect it cannot be told. Then the file stays.
    socket.once('error', ({ code }: NodeJS.ErrnoException) =>
      end(code !== 'ECONNREFUSED' && code !== 'ENOENT'),
    );
  });
}

/**
 * Gives every file that this process makes from now on mode 0660 at most, such as the sockets that
 * the primary of a cluster opens for its processes. Returns the mask before.
 */
export function makeSocketsPrivate(): number {
  return process.umask(0o777 & ~socketMode);
}

/** A server of connections that another one answers as if they were its own. */
export function socketServerFor(take: TakeConnection): Server {
  return createServer({ allowHalfOpen: true }, take);
}

/** Listens without a look at what is there: the processes of a cluster share one socket. */
export async function listening(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // The file is made in this call: it never has a wider mode than it will have.
    const before = makeSocketsPrivate();
    server.listen(path, resolve);
    process.umask(before);
  });
  chmodSync(path, socketMode);
}

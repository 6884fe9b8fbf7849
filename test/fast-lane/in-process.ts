import type { Server } from 'node:http';
import { type Duplex, duplexPair } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';

/** All bytes that a server sent on one connection, and whether it closed it. */
export type Received = { text: string; isClosed: boolean };

/** An answer may come this many turns of the event loop after the bytes that ask for it. */
const quietTurns = 6;

/**
 * Sends the pieces on a connection in this process, each as one read, and resolves when nothing
 * more comes. `gaps`: before which pieces the event loop has a turn.
 */
export async function sendInProcess(
  server: Server,
  pieces: readonly string[],
  gaps: readonly boolean[],
): Promise<Received> {
  const [client, far] = duplexPair();
  const received = { text: '', isClosed: false };
  client.setEncoding('latin1');
  let quiet = 0;
  client.on('data', (text: string) => {
    received.text += text;
    quiet = 0;
  });
  const close = () => {
    received.isClosed = true;
  };
  client.on('end', close).on('close', close).on('error', close);
  server.emit('connection', asSocket(far));
  for (const [index, piece] of pieces.entries()) {
    if (gaps[index]) await turn();
    if (!client.destroyed && !far.destroyed) client.write(piece, 'latin1');
  }
  for (quiet = 0; quiet < quietTurns; quiet++) await turn();
  const atEnd = { text: received.text, isClosed: received.isClosed || far.destroyed };
  client.destroy();
  far.destroy();
  return atEnd;
}

/** The one thing that a Duplex lacks of what both servers use. */
export function asSocket(duplex: Duplex): Duplex {
  return Object.assign(duplex, {
    destroySoon: () => {
      if (duplex.writableFinished) duplex.destroy();
      else duplex.end(() => duplex.destroy());
    },
  });
}

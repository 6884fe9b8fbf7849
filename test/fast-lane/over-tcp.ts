import { connect } from 'node:net';
import type { Received } from './in-process.ts';

/**
 * Sends the pieces over loopback, where the kernel may join them, and resolves when nothing more
 * came for `quietMs` or the server has closed.
 */
export function sendOverTcp(port: number, pieces: readonly string[], quietMs: number): Promise<Received> {
  return new Promise((resolve) => {
    const received = { text: '', isClosed: false };
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    const finish = () => {
      resolve({ ...received });
      socket.destroy();
    };
    const close = () => {
      received.isClosed = true;
      finish();
    };
    socket.setEncoding('latin1').setTimeout(quietMs, finish);
    socket.on('data', (text) => {
      received.text += text;
    });
    socket.on('end', close).on('error', close);
    for (const piece of pieces) socket.write(piece, 'latin1');
  });
}

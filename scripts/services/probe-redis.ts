import { connect } from 'node:net';

// Inline commands, so that the probe needs no client library. The script proves that Lua and its
// JSON library work, which our limits need.
const SCRIPT = 'EVAL "return cjson.encode({1,2})" 0\r\n';
const ANSWER = '[1,2]';

/**
 * Whether a Redis with this password listens on the port, has loaded its data and runs Lua with
 * JSON.
 */
export function probeRedis(port: number, password: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    let received = '';
    const finish = (ready: boolean) => {
      socket.destroy();
      resolve(ready);
    };
    socket.setTimeout(2_000, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('close', () => finish(false));
    socket.once('connect', () => socket.write(`AUTH ${password}\r\n${SCRIPT}`));
    socket.setEncoding('utf8').on('data', (text: string) => {
      received += text;
      if (received.includes(ANSWER)) finish(true);
      else if (/^-/m.test(received)) finish(false);
    });
  });
}

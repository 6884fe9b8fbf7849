import { connect } from 'node:net';

const silenceMs = 3_000;

/**
 * Sends raw bytes; returns all that arrives until the server closes, goes silent, or the client
 * closes.
 */
export function sendRaw(
  url: string,
  bytes: string | Buffer,
  { thenLeave = false }: { thenLeave?: boolean } = {},
): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(Number(port), hostname, () =>
      socket.write(bytes, () => void (thenLeave && socket.destroySoon())),
    );
    const finish = () => {
      socket.destroy();
      resolve(received);
    };
    socket.setEncoding('latin1');
    socket.setTimeout(silenceMs, finish);
    socket.on('data', (text) => {
      received += text;
    });
    socket.on('close', finish);
    // A server that refuses may close while we are sending; earlier output counts.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (received !== '' || error.code === 'ECONNRESET' || error.code === 'EPIPE') finish();
      else reject(error);
    });
  });
}

/** Status of each answer in the output. */
export function statusesOf(received: string): number[] {
  return [...received.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status));
}

export type RawAnswer = { status: number; headers: Headers; body: string };

/** Sends pipelined requests on one connection; splits the answers by their lengths. */
export async function sendPipelined(url: string, requests: readonly string[]): Promise<RawAnswer[]> {
  const last = requests.at(-1)?.replace('\r\n', '\r\nConnection: close\r\n') ?? '';
  const answers: RawAnswer[] = [];
  let rest = await sendRaw(url, [...requests.slice(0, -1), last].join(''));
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n') + 4;
    const [line = '', ...fields] = rest.slice(0, end).trimEnd().split('\r\n');
    const headers = new Headers(fields.map((field) => field.split(/: ?(.*)/, 2) as [string, string]));
    const length = Number(headers.get('content-length'));
    answers.push({ status: Number(line.split(' ')[1]), headers, body: rest.slice(end, end + length) });
    rest = rest.slice(end + length);
  }
  return answers;
}

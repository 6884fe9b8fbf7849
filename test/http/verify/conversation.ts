import { connect } from 'node:net';

/** Requests on one connection, one after another. */
export type Conversation = {
  text: string;
  /** So many answers are certain; undefined when the last request may be waited for without end. */
  answersMax: number | undefined;
};

/**
 * An answer without what differs from one to the next: times, new request ids, and security
 * headers.
 */
export type Heard = { status: number; headers: Record<string, string>; body: string };

/**
 * Sends everything at once and hands back the answers that came until all were there, the server
 * closed, or nothing more came for `silenceMs`.
 */
export function converse(
  port: number,
  { text, answersMax }: Conversation,
  silenceMs: number,
): Promise<Heard[]> {
  return new Promise((resolve) => {
    let received = '';
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const finish = () => {
      socket.destroy();
      resolve(answersIn(received));
    };
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      received += chunk;
      if (answersMax !== undefined && countOf(received) >= answersMax && isComplete(received)) finish();
    });
    socket.setTimeout(silenceMs, finish);
    socket.on('close', finish);
    socket.on('error', () => undefined);
    socket.write(text, 'latin1');
  });
}

const beginning = /(?=HTTP\/1\.1 \d{3} )/;

/** Without `100 Continue`, which comes before an answer. */
function countOf(received: string): number {
  return received.split(beginning).filter((answer) => !answer.startsWith('HTTP/1.1 1')).length;
}

/** Whether the last answer is there as a whole. */
function isComplete(received: string): boolean {
  const last = received.split(beginning).at(-1) ?? '';
  const end = last.indexOf('\r\n\r\n');
  const length = /\r\ncontent-length: (\d+)/i.exec(last.slice(0, end))?.[1];
  return end >= 0 && last.length >= end + 4 + Number(length ?? 0);
}

const comparedHeaders =
  /^(?:content-type|www-authenticate|retry-after|allow|x-request-id|x-flowplate-(?:key-id|code))$/;

function answersIn(received: string): Heard[] {
  if (received === '') return [];
  return received.split(beginning).map((answer) => {
    const [head = '', ...rest] = answer.split('\r\n\r\n');
    const [line = '', ...lines] = head.split('\r\n');
    const headers = lines
      .map((text) => text.split(/: (.*)/s))
      .map(([name = '', value = '']) => [name.toLowerCase(), value]);
    const isClosing = headers.some(([name, value]) => name === 'connection' && value === 'close');
    const compared = headers.filter(([name = '']) => comparedHeaders.test(name)).sort();
    return {
      status: Number(line.slice(9, 12)),
      headers: {
        ...Object.fromEntries(compared.map(([name, value = '']) => [name, steady(value)])),
        ...(isClosing && { closes: 'yes' }),
      },
      body: steady(rest.join('\r\n\r\n')),
    };
  });
}

function steady(text: string): string {
  return text.replaceAll(/req_[\w-]{20}/g, 'req_*').replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'T');
}

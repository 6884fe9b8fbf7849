import { connect } from 'node:net';

/** Answers to a flood: by code, or by status without a verdict; and by `enforced`. */
export type Flooded = { answers: Record<string, number>; enforced: Record<string, number> };

export type FloodOptions = {
  ports: readonly number[];
  masterKey: string;
  key: string;
  connections: number;
  /** Each connection sends so many calls, or as many as fit into `ms`. */
  callsEach?: number;
  ms?: number;
};

/** Verifies one key over many connections at once, each with one call under way (closed loop). */
export async function flood(options: FloodOptions): Promise<Flooded> {
  const seen: Flooded = { answers: {}, enforced: {} };
  const endMs = performance.now() + (options.ms ?? Number.POSITIVE_INFINITY);
  const work = Array.from({ length: options.connections }, (_, index) =>
    callAgainAndAgain(options, options.ports[index % options.ports.length] ?? 0, endMs, seen),
  );
  await Promise.all(work);
  return seen;
}

function callAgainAndAgain(
  { masterKey, key, callsEach = Number.POSITIVE_INFINITY }: FloodOptions,
  port: number,
  endMs: number,
  seen: Flooded,
): Promise<void> {
  const body = JSON.stringify({ key });
  const request =
    `POST /v1/flowplate/api-keys/verify HTTP/1.1\r\nHost: 127.0.0.1\r\nx-flowplate-master-key: ${masterKey}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    let text = '';
    let calls = 0;
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const answer = readAnswer(text);
      if (answer === undefined) return;
      text = '';
      calls += 1;
      note(seen, answer);
      if (calls < callsEach && performance.now() < endMs) socket.write(request);
      else socket.end();
    });
    socket.on('close', () => resolve());
    socket.on('error', reject);
  });
}

type Answer = { status: string; body: string };

function readAnswer(text: string): Answer | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
  const body = text.slice(headEnd + 4);
  return body.length < length ? undefined : { status: text.slice(9, 12), body };
}

function note({ answers, enforced }: Flooded, { status, body }: Answer): void {
  const answer = status === '200' ? String(/"code":"(\w+)"/.exec(body)?.[1]) : status;
  answers[answer] = (answers[answer] ?? 0) + 1;
  for (const [, how = ''] of body.matchAll(/"enforced":"?(\w+)/g)) enforced[how] = (enforced[how] ?? 0) + 1;
}

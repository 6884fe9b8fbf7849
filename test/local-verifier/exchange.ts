import { Agent, request } from 'node:http';

/** A request as it is sent: header lines stay as they are written here, also repeated ones. */
export type Sent = {
  method?: string;
  path: string;
  headers?: readonly (readonly [name: string, value: string])[];
  body?: string | Buffer;
};

/** Where it goes: a TCP server, or a Unix domain socket. */
export type Target = { url: string } | { socketPath: string };

export type Got = { status: number; headers: string[]; body: string };

export function exchange(target: Target, { method = 'GET', path, headers = [], body }: Sent): Promise<Got> {
  const place =
    'url' in target
      ? { host: new URL(target.url).hostname, port: Number(new URL(target.url).port) }
      : { socketPath: target.socketPath };
  const lines = headers.flat();
  // Kept, so that the answer says for how long. A new one, so that no answer depends on another.
  const agent = new Agent({ keepAlive: true });
  return new Promise<Got>((resolve, reject) => {
    const outgoing = request({ ...place, method, path, agent, headers: ['Host', 'gateway', ...lines] });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: incoming.statusCode ?? 0, headers: linesOf(incoming.rawHeaders), body: text });
      });
    });
    outgoing.end(body);
  }).finally(() => agent.destroy());
}

function linesOf(rawHeaders: readonly string[]): string[] {
  return rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${rawHeaders[at + 1]}`] : []));
}

/**
 * The answer without what is of its own moment: ids, the time, and how much of a limit is left. Its
 * length depends on them, and is compared with its body instead.
 */
export function comparable({ status, headers, body }: Got): Got {
  const length = headers.find((line) => /^content-length: /i.test(line))?.split(': ')[1];
  if (length !== undefined && body !== '' && Number(length) !== Buffer.byteLength(body))
    throw new Error(`length ${length}: ${body}`);
  return {
    status,
    headers: headers
      .filter((line) => !line.startsWith('Date: '))
      .map((line) => line.replace(/^(x-request-id: )req_\w+$/, '$1req_'))
      .map((line) => line.replace(/^(RateLimit: |Retry-After: ).*/, (all) => all.replace(/\d+/g, 'n')))
      .map((line) => line.replace(/^(Content-Length: ).*/i, '$1n')),
    body: body
      .replace(/"(trace_id)":"req_\w+"/g, '"$1":"req_"')
      .replace(/urn:flowplate:request:req_\w+/g, 'urn:flowplate:request:req_')
      .replace(/"(timestamp|reset_at)":"[^"]*"/g, '"$1":""')
      .replace(/"asked":"\d{4}-[^"]*Z"/g, '"asked":""')
      .replace(/"remaining":\d+/g, '"remaining":0'),
  };
}

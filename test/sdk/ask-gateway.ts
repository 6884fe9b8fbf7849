import { type IncomingHttpHeaders, request } from 'node:http';

export type GatewayAnswer = { status: number; headers: IncomingHttpHeaders; body: string };

/**
 * A request with these header lines as they are, the same name twice included; none but these and
 * Host.
 */
export function askGateway(url: string, headers: readonly string[], method = 'GET'): Promise<GatewayAnswer> {
  const { host } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: ['Host', host, ...headers], agent: false }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

const compared = ['www-authenticate', 'x-flowplate-code', 'content-type', 'cache-control'];

/** A refusal to an end client, without parts that differ between any two requests. */
export function refusalOf({ status, headers, body }: GatewayAnswer) {
  const { trace_id, ...said } = JSON.parse(body) as { trace_id: string };
  return {
    status,
    said,
    headers: Object.fromEntries(compared.map((name) => [name, headers[name]])),
    hasTrace: trace_id === headers['x-request-id'],
  };
}

import { readFileSync } from 'node:fs';
import { Agent, type AgentOptions, request } from 'node:https';
import { parseJson } from '../../src/domain/read-json.ts';
import type { Certified } from './certificates.ts';

export type TlsAnswer = {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on what is not there
  body: any;
  headers: NodeJS.Dict<string | string[]>;
};

export type TlsCall = (
  operation: string,
  options?: { body?: unknown; form?: string; headers?: Record<string, string> },
) => Promise<TlsAnswer>;

export type TlsClient = { call: TlsCall; agent: Agent; close(): void };

/**
 * A client with kept connections that trusts `ca`, and has a certificate of its own or none. It
 * sends head and body at once, as gateways do.
 */
export function tlsClient(
  port: number,
  { ca, as, ...more }: { ca: string; as?: Certified } & AgentOptions,
): TlsClient {
  const own = as && { cert: readFileSync(as.certificate), key: readFileSync(as.key) };
  const agent = new Agent({ keepAlive: true, ca: readFileSync(ca), ...own, ...more });
  const call: TlsCall = (operation, { body, form, headers = {} } = {}) => {
    const [method, path] = operation.split(' ');
    const text = body === undefined ? form : JSON.stringify(body);
    const framed = text !== undefined && {
      'content-type': form === undefined ? 'application/json' : 'application/x-www-form-urlencoded',
      'content-length': String(Buffer.byteLength(text)),
    };
    return new Promise((resolve, reject) => {
      const at = { host: '127.0.0.1', servername: 'localhost', port, method, path, agent };
      const sent = request({ ...at, headers: { ...headers, ...framed } }, (response) => {
        let received = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          received += chunk;
        });
        response.on('error', reject).on('end', () => {
          const isJson = /[/+]json/.test(response.headers['content-type'] ?? '');
          const read = isJson && received !== '' ? parseJson(received) : received;
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: read });
        });
      });
      sent.on('error', reject);
      sent.end(text);
    });
  };
  return { call, agent, close: () => agent.destroy() };
}

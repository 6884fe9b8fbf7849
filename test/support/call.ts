import { parseJson } from '../../src/domain/read-json.ts';

export type Answer = {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on what is not there
  body: any;
};

export type CallOptions = {
  body?: unknown;
  /** Another master key; null for none. */
  as?: string | null;
  headers?: Record<string, string>;
};

export type Call = (operation: string, options?: CallOptions) => Promise<Answer>;

/** `call('POST /v1/…', { body })` against one server, with one master key unless told otherwise. */
export function caller(url: string, masterKey: string): Call {
  return async (operation, options = {}) => {
    const [method = 'GET', path = '/'] = operation.split(' ');
    const credential = options.as === undefined ? masterKey : options.as;
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(credential !== null && { 'x-flowplate-master-key': credential }),
        ...(options.body !== undefined && { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(options.body !== undefined && { body: toBody(options.body) }),
    });
    const text = await response.text();
    const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, body: isJson ? parseJson(text) : text };
  };
}

function toBody(body: unknown): string | Uint8Array<ArrayBuffer> {
  if (body instanceof Uint8Array) return new Uint8Array(body);
  return typeof body === 'string' ? body : JSON.stringify(body);
}

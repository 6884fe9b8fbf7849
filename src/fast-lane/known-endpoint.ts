import { endOfRun, queryBytes, questionMark, startsWith } from './bytes.ts';
import type { Endpoint } from './endpoint.ts';
import { HeaderNames } from './header-names.ts';

const version = Buffer.from(' HTTP/1.1\r\n', 'latin1');

/** An endpoint, prepared for reading. */
export class KnownEndpoint {
  readonly endpoint: Endpoint;
  readonly names: HeaderNames;
  readonly #start: Buffer;

  constructor(endpoint: Endpoint) {
    if (endpoint.method === 'POST' && endpoint.takesQuery) throw new Error('A POST takes no query');
    this.endpoint = endpoint;
    this.names = new HeaderNames(endpoint.headerNames);
    this.#start = Buffer.from(`${endpoint.method} ${endpoint.path}`, 'latin1');
  }

  /**
   * Where the headers begin, when the request line is one of this endpoint's byte for byte; -1
   * otherwise.
   */
  headersAt(bytes: Buffer, from: number): number {
    if (!startsWith(bytes, from, this.#start)) return -1;
    const end = this.#targetEnd(bytes, from);
    return startsWith(bytes, end, version) ? end + version.length : -1;
  }

  /** The target of a request line that `headersAt` has found. */
  targetOf(bytes: Buffer, from: number, headersAt: number): string {
    const { method, path } = this.endpoint;
    const end = headersAt - version.length;
    if (end === from + this.#start.length) return path;
    return bytes.toString('latin1', from + method.length + 1, end);
  }

  #targetEnd(bytes: Buffer, from: number): number {
    const end = from + this.#start.length;
    if (!this.endpoint.takesQuery || bytes[end] !== questionMark) return end;
    return endOfRun(bytes, end + 1, queryBytes);
  }
}

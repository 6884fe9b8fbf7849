import type { KnownEndpoint } from './known-endpoint.ts';
import type { SentRequest } from './lane-request.ts';
import { type ReadHeaders, readHeaders } from './read-headers.ts';

/** A request that the lane understands, and where the next one begins. */
export type ReadRequest = SentRequest & { known: KnownEndpoint; end: number };

/** Node's parser refuses heads of more than 16 KiB, and the lane must not take one of those. */
const headBytesMax = 8_192;

const noBody = Buffer.alloc(0);

/**
 * Reads one request that begins at `from`: strict, and only with its last byte there. Undefined for
 * everything else, also for what is valid HTTP: node:http then reads the same bytes.
 */
export function readRequest(
  endpoints: readonly KnownEndpoint[],
  bytes: Buffer,
  from: number,
): ReadRequest | undefined {
  for (const known of endpoints) {
    const headersAt = known.headersAt(bytes, from);
    if (headersAt < 0) continue;
    const read = readHeaders(known.names, bytes, headersAt);
    if (read === undefined || read.end - from > headBytesMax) return undefined;
    const url = known.targetOf(bytes, from, headersAt);
    return known.endpoint.method === 'GET'
      ? withoutBody(known, url, read)
      : withBody(known, url, read, bytes);
  }
  return undefined;
}

/** A GET announces no length at all, not even 0. */
function withoutBody(known: KnownEndpoint, url: string, { rawHeaders, length, end }: ReadHeaders) {
  return length === undefined ? { known, method: 'GET', url, rawHeaders, body: noBody, end } : undefined;
}

/** A POST has one length, and its whole body is here. */
function withBody(
  known: KnownEndpoint,
  url: string,
  { rawHeaders, length, end: bodyAt }: ReadHeaders,
  bytes: Buffer,
): ReadRequest | undefined {
  if (length === undefined || !plainDecimal.test(length)) return undefined;
  const size = Number(length);
  const end = bodyAt + size;
  if (size > known.endpoint.bodyBytesMax || end > bytes.length) return undefined;
  rawHeaders.push('content-length', length);
  return { known, method: 'POST', url, rawHeaders, body: bytes.subarray(bodyAt, end), end };
}

/** Without a sign, a leading zero or a list, and above 0: a text with one reading. */
const plainDecimal = /^[1-9][0-9]{0,4}$/;

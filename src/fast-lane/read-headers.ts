import { colon, cr, endOfRun, isLineEnd, space, tokenBytes, valueBytes } from './bytes.ts';
import { type HeaderNames, refusedName, unknownName } from './header-names.ts';

/** `rawHeaders`: what the endpoint named. `length`: the text of `Content-Length`. */
export type ReadHeaders = { rawHeaders: string[]; length: string | undefined; end: number };

const headersMax = 100;
const keepAlive = /^keep-alive$/i;

/**
 * Reads all header lines from `from` to the empty line. Undefined unless every byte is as expected:
 * names are tokens, values are printable, lines end with CRLF. No line is folded, joined or
 * repaired. A header that matters comes once, `Host` exactly once, and `Connection` may only repeat
 * the default of HTTP/1.1.
 */
export function readHeaders(names: HeaderNames, bytes: Buffer, from: number): ReadHeaders | undefined {
  const rawHeaders: string[] = [];
  let length: string | undefined;
  let seen = 0;
  let at = from;
  for (let count = 0; count <= headersMax; count++) {
    if (bytes[at] === cr) {
      const isWhole = isLineEnd(bytes, at) && (seen & (1 << names.host)) !== 0;
      return isWhole ? { rawHeaders, length, end: at + 2 } : undefined;
    }
    const nameEnd = endOfRun(bytes, at, tokenBytes);
    if (nameEnd === at || bytes[nameEnd] !== colon) return undefined;
    const lineEnd = endOfRun(bytes, nameEnd + 1, valueBytes);
    if (!isLineEnd(bytes, lineEnd)) return undefined;
    const meaning = names.meaningOf(bytes, at, nameEnd);
    at = lineEnd + 2;
    if (meaning === unknownName) continue;
    if (meaning === refusedName || (seen & (1 << meaning)) !== 0) return undefined;
    seen |= 1 << meaning;
    if (meaning === names.host) continue;
    const value = valueBetween(bytes, nameEnd + 1, lineEnd);
    if (meaning === names.contentLength) length = value;
    else if (meaning !== names.connection) rawHeaders.push(names.names[meaning] as string, value);
    else if (!keepAlive.test(value)) return undefined;
  }
  return undefined;
}

/** Without the blanks around it (RFC 9112 §5.1). */
function valueBetween(bytes: Buffer, from: number, lineEnd: number): string {
  let start = from;
  let end = lineEnd;
  while (start < end && bytes[start] === space) start++;
  while (end > start && bytes[end - 1] === space) end--;
  return bytes.toString('latin1', start, end);
}

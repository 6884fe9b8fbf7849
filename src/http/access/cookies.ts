import { isLoopbackHost } from '../../domain/loopback.ts';
import { pickHeaders } from '../../domain/pick-headers.ts';
import type { RequestHead } from '../request-head.ts';

/**
 * Both names of a cookie. `secure` begins with `__Host-`: set over TLS by this host only, so that a
 * sibling domain cannot plant it (RFC 6265bis §4.1.3.2). Browsers refuse that over plain http;
 * `local` is for loopback only.
 */
export type CookieNames = { secure: string; local: string };

/** The value of a cookie that was sent once and matches. */
export function readCookieValue(
  req: RequestHead,
  { secure, local }: CookieNames,
  pattern: RegExp,
): string | undefined {
  const [cookies = [], [host = ''] = []] = pickHeaders(req.rawHeaders, ['cookie', 'host']);
  const pairs = cookies.flatMap((text) => text.split(';')).map(withoutBlanks);
  // On loopback only: elsewhere an attacker on the network or a sibling domain could have planted
  // it.
  return (
    cookieValue(pairs, secure, pattern) ??
    (isLoopbackHost(hostnameOf(host)) ? cookieValue(pairs, local, pattern) : undefined)
  );
}

/** A `Set-Cookie` for pages of this origin, https or loopback. */
export function cookieFor(
  { protocol }: URL,
  { secure, local }: CookieNames,
  value: string,
  attributes: string,
): string {
  return protocol === 'https:'
    ? `${secure}=${value}; ${attributes}; Secure`
    : `${local}=${value}; ${attributes}`;
}

/**
 * Only the blanks of RFC 6265 §5.2: space and tab. `trim` also takes U+00A0, the byte A0 of a
 * header. To a browser `\u00a0__Host-flowplate` has no prefix, so a sister domain could plant a
 * session.
 */
function withoutBlanks(pair: string): string {
  let [start, end] = [0, pair.length];
  while (isBlank(pair[start])) start++;
  while (end > start && isBlank(pair[end - 1])) end--;
  return pair.slice(start, end);
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}

function cookieValue(pairs: readonly string[], name: string, pattern: RegExp): string | undefined {
  const values = pairs
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  return values.length === 1 && pattern.test(values[0] ?? '') ? values[0] : undefined;
}

function hostnameOf(host: string): string {
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : '';
}

import type { IncomingMessage } from 'node:http';
import { FlowplateError } from '../../domain/errors.ts';
import { pickHeaders } from '../../domain/pick-headers.ts';
import type { HttpExchange } from '../exchange.ts';
import { hasBearer, readBearer } from './bearer.ts';
import { isFromOwnPage, isNotFromElsewhere } from './own-page.ts';

/**
 * `__Host-`: set over TLS by this host itself, for all of it; no sister domain can plant one (RFC
 * 6265bis §4.1.3.2).
 */
const secureName = '__Host-flowplate';
/**
 * A browser sets no `__Host-` cookie over plain http. So this one, and only on the machine itself.
 */
const localName = 'flowplate';

const attributes = 'Path=/; HttpOnly; SameSite=Strict';
const readingMethods: readonly (string | undefined)[] = ['GET', 'HEAD'];
const tokenPattern = /^[\w-]{1,2000}\.[\w-]{1,2000}\.[\w-]{1,2000}$/;

/** Not for a page that came over the network in the clear. */
export function maySetSessionCookie({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || isLoopback(hostname);
}

export function sessionCookie({ protocol }: URL, token: string, expiresAt: Date): string {
  const rest = `Expires=${expiresAt.toUTCString()}; ${attributes}`;
  return protocol === 'https:' ? `${secureName}=${token}; ${rest}; Secure` : `${localName}=${token}; ${rest}`;
}

export function endedSessionCookie(origin: URL): string {
  return sessionCookie(origin, '', new Date(0));
}

/**
 * The same as `readBearer`, and where nothing is sent in a header, the portal's cookie. It counts
 * only where it cannot have been sent by somebody else's page: a change needs the portal's own
 * page, reading must not come from elsewhere. A cookie that counts beside a different credential in
 * a header is `AMBIGUOUS_CREDENTIALS`.
 */
export function readCredential(exchange: Pick<HttpExchange, 'req'>): string {
  const cookie = readCookie(exchange.req);
  if (!hasBearer(exchange)) {
    if (cookie === undefined) throw new FlowplateError('AUTHENTICATION_REQUIRED');
    return cookie;
  }
  const credential = readBearer(exchange);
  if (cookie !== undefined && cookie !== credential) throw new FlowplateError('AMBIGUOUS_CREDENTIALS');
  return credential;
}

function readCookie(req: IncomingMessage): string | undefined {
  const isSafe = readingMethods.includes(req.method) ? isNotFromElsewhere(req) : isFromOwnPage(req);
  if (!isSafe) return undefined;
  const [cookies = [], [host = ''] = []] = pickHeaders(req.rawHeaders, ['cookie', 'host']);
  const pairs = cookies.flatMap((text) => text.split(';')).map(withoutBlanks);
  const secure = cookieValue(pairs, secureName);
  // On a machine's own address alone: elsewhere whoever sits on the network, or on a sister domain,
  // could have planted it.
  return secure ?? (isLoopback(hostnameOf(host)) ? cookieValue(pairs, localName) : undefined);
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

function cookieValue(pairs: readonly string[], name: string): string | undefined {
  const values = pairs
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  return values.length === 1 && tokenPattern.test(values[0] ?? '') ? values[0] : undefined;
}

function hostnameOf(host: string): string {
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : '';
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

import type { IncomingMessage } from 'node:http';
import { FlowplateError } from '../../domain/errors.ts';
import { isLoopbackHost } from '../../domain/loopback.ts';
import { pickHeaders } from '../../domain/pick-headers.ts';
import type { HttpExchange } from '../exchange.ts';
import { hasBearer, readBearer } from './bearer.ts';
import { isFromOwnPage, isNotFromElsewhere } from './own-page.ts';

/**
 * `__Host-` prefix: set over TLS by this host only, so a sibling domain cannot plant it (RFC
 * 6265bis §4.1.3.2).
 */
const secureName = '__Host-flowplate';
/** Browsers refuse `__Host-` cookies over plain http. This name is for loopback only. */
const localName = 'flowplate';

const attributes = 'Path=/; HttpOnly; SameSite=Strict';
const readingMethods: readonly (string | undefined)[] = ['GET', 'HEAD'];
const tokenPattern = /^[\w-]{1,2000}\.[\w-]{1,2000}\.[\w-]{1,2000}$/;

/** False for a page that was sent unencrypted over the network. */
export function maySetSessionCookie({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || isLoopbackHost(hostname);
}

export function sessionCookie({ protocol }: URL, token: string, expiresAt: Date): string {
  const rest = `Expires=${expiresAt.toUTCString()}; ${attributes}`;
  return protocol === 'https:' ? `${secureName}=${token}; ${rest}; Secure` : `${localName}=${token}; ${rest}`;
}

export function endedSessionCookie(origin: URL): string {
  return sessionCookie(origin, '', new Date(0));
}

/**
 * Like `readBearer`; without a credential in a header it reads the portal's cookie. The cookie
 * counts only if another site cannot have caused the request: changes need the portal's own page,
 * and reads must not be cross-site. A cookie beside a different credential is
 * `AMBIGUOUS_CREDENTIALS`.
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
  // On loopback only: elsewhere an attacker on the network or a sibling domain could have planted
  // it.
  return secure ?? (isLoopbackHost(hostnameOf(host)) ? cookieValue(pairs, localName) : undefined);
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

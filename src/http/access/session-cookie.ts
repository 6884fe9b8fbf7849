import { FlowplateError } from '../../domain/errors.ts';
import { isLoopbackHost } from '../../domain/loopback.ts';
import type { HttpExchange } from '../exchange.ts';
import type { RequestHead } from '../request-head.ts';
import { hasBearer, readBearer } from './bearer.ts';
import { cookieFor, readCookieValue } from './cookies.ts';
import { isFromOwnPage, isNotFromElsewhere } from './own-page.ts';

const names = { secure: '__Host-flowplate', local: 'flowplate' };
const attributes = 'Path=/; HttpOnly; SameSite=Strict';
const readingMethods: readonly (string | undefined)[] = ['GET', 'HEAD'];
const tokenPattern = /^[\w-]{1,2000}\.[\w-]{1,2000}\.[\w-]{1,2000}$/;

/** False for a page that was sent unencrypted over the network. */
export function maySetSessionCookie({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || isLoopbackHost(hostname);
}

export function sessionCookie(origin: URL, token: string, expiresAt: Date): string {
  return cookieFor(origin, names, token, `Expires=${expiresAt.toUTCString()}; ${attributes}`);
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
  const cookie = readSessionCookie(exchange.req);
  if (!hasBearer(exchange)) {
    if (cookie === undefined) throw new FlowplateError('AUTHENTICATION_REQUIRED');
    return cookie;
  }
  const credential = readBearer(exchange);
  if (cookie !== undefined && cookie !== credential) throw new FlowplateError('AMBIGUOUS_CREDENTIALS');
  return credential;
}

/** The portal's cookie; undefined where another site can have caused the request. */
export function readSessionCookie(req: RequestHead): string | undefined {
  const isSafe = readingMethods.includes(req.method) ? isNotFromElsewhere(req) : isFromOwnPage(req);
  return isSafe ? readCookieValue(req, names, tokenPattern) : undefined;
}

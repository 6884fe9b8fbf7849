import { pickHeaders } from '../../domain/pick-headers.ts';
import type { RequestHead } from '../request-head.ts';

/**
 * CSRF header. Forms and links cannot set it. CORS is off, so pages of other origins cannot either.
 */
export const portalHeader = 'X-Flowplate-Portal';

/**
 * CSRF check: whether a page of this server sent the request, by the header above and the browser's
 * `Sec-Fetch-Site`. Old browsers send `Origin` instead, which must equal the requested address.
 * https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
 */
export function isFromOwnPage(req: RequestHead): boolean {
  const [portal = [], sites = [], origins = [], hosts = []] = pickHeaders(req.rawHeaders, [
    'x-flowplate-portal',
    'sec-fetch-site',
    'origin',
    'host',
  ]);
  if (portal[0] !== '1') return false;
  if (sites.length > 0) return sites.every((site) => site === 'same-origin');
  const origin = parseOrigin(origins);
  return origin !== undefined && origin.host === hosts[0]?.toLowerCase();
}

/** Weaker check for reads: sent by our own page, or by the address bar. */
export function isNotFromElsewhere(req: RequestHead): boolean {
  const [sites = []] = pickHeaders(req.rawHeaders, ['sec-fetch-site']);
  return sites.every((site) => site === 'same-origin' || site === 'none');
}

/**
 * Origin of the portal's page as the browser sees it: behind a TLS proxy this process only sees
 * http.
 */
export function pageOrigin(req: RequestHead): URL | undefined {
  return isFromOwnPage(req) ? parseOrigin(pickHeaders(req.rawHeaders, ['origin'])[0] ?? []) : undefined;
}

/** Origin of an http or https page. `file://` has no host, and would equal an empty `Host`. */
function parseOrigin([origin = '', second]: readonly string[]): URL | undefined {
  const url = second === undefined && URL.canParse(origin) ? new URL(origin) : undefined;
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? url : undefined;
}

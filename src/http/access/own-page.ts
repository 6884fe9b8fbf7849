import type { IncomingMessage } from 'node:http';
import { pickHeaders } from '../../domain/pick-headers.ts';

/**
 * What no form and no link can send, and no page of another origin without our consent, which
 * nobody gets (no CORS).
 */
export const portalHeader = 'X-Flowplate-Portal';

/**
 * Whether a page of this server's own sent the request: the portal's header, and the browser's word
 * for where it came from. A browser that is too old to say `Sec-Fetch-Site` says `Origin`, which
 * then must be the address that was asked for.
 * https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
 */
export function isFromOwnPage(req: IncomingMessage): boolean {
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

/**
 * Whether a request that changes nothing may have come from a page of ours, or from the person at
 * the address bar.
 */
export function isNotFromElsewhere(req: IncomingMessage): boolean {
  const [sites = []] = pickHeaders(req.rawHeaders, ['sec-fetch-site']);
  return sites.every((site) => site === 'same-origin' || site === 'none');
}

/**
 * How the page was reached, in the browser's own words: behind a proxy that ends TLS this process
 * sees only http.
 */
export function pageOrigin(req: IncomingMessage): URL | undefined {
  return isFromOwnPage(req) ? parseOrigin(pickHeaders(req.rawHeaders, ['origin'])[0] ?? []) : undefined;
}

/**
 * The origin of a page that came over http or https. `file://` has no host and would equal the host
 * of a request that names none.
 */
function parseOrigin([origin = '', second]: readonly string[]): URL | undefined {
  const url = second === undefined && URL.canParse(origin) ? new URL(origin) : undefined;
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? url : undefined;
}

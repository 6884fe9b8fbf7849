import type { IncomingMessage } from 'node:http';
import type { RequestHead } from './request-head.ts';

/** Without userinfo, an error by RFC 9110 §4.2.4. Such a target stays unchanged and gets 404. */
const absoluteForm = /^https?:\/\/([^/?#@]+)(.*)$/i;

/**
 * Whether there is exactly one `Host` header. RFC 9112 §3.2 refuses several, since a proxy may have
 * used the other one. Node refuses a request without any.
 */
export function hasOneHost({ rawHeaders }: Pick<RequestHead, 'rawHeaders'>): boolean {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (isHost(rawHeaders[index])) hosts += 1;
  }
  return hosts <= 1;
}

/**
 * Turns an absolute-form target into origin-form (RFC 9112 §3.2.2): `GET http://broker/users`
 * becomes `GET /users`. Clients and proxies that take this server for a proxy send it.
 * A `Host` header that names another host is emptied, so that neither of the two counts where the
 * portal's pages are told from others (access/own-page.ts).
 */
export function toOriginForm(req: IncomingMessage): void {
  const url = req.url ?? '';
  if (url.startsWith('/')) return;
  const [, host, rest = ''] = absoluteForm.exec(url) ?? [];
  if (host === undefined) return;
  req.url = rest.startsWith('/') ? rest : `/${rest}`;
  emptyOtherHost(req.rawHeaders, host);
}

function emptyOtherHost(rawHeaders: string[], host: string): void {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (isHost(rawHeaders[index]) && rawHeaders[index + 1]?.toLowerCase() !== host.toLowerCase()) {
      rawHeaders[index + 1] = '';
    }
  }
}

function isHost(name: string | undefined): boolean {
  return name?.length === 4 && name.toLowerCase() === 'host';
}

/**
 * Parts of a path that some proxies or parsers normalise: `//`, `\`, `#`, and the segments `.` and
 * `..`, also percent-encoded.
 */
const secondReading = /\/\/|[\\#]|\/(?:\.|%2e){1,2}(?:\/|$)/i;

/**
 * Whether every proxy reads this path as we do. False for a target that is no path, such as `*`.
 */
export function hasOneReading(url: string): boolean {
  const [path = ''] = url.split('?', 1);
  return path.startsWith('/') && !secondReading.test(path);
}

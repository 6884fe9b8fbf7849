export const authorizePath = '/v1/flowplate/authz';

/** Whether a URL is for forward auth: its path, or any path below. */
export function isForAuthorize(url: string): boolean {
  if (!url.startsWith(authorizePath)) return false;
  const next = url[authorizePath.length];
  return next === undefined || next === '/' || next === '?';
}

/** The status for a limited key: `?deny=403` asks for one that every proxy passes on. */
export function limitedStatusOf(url: string): 403 | 429 {
  return /[?&]deny=403(&|$)/.test(url) ? 403 : 429;
}

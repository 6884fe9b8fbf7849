/** No `<` inside of a link: so each `<` is looked at once, and a hostile header takes linear time. */
const nextLink = /<([^<>]*)>[^,<]*;\s*rel="?next"?/;

/** The cursor in `Link: <…?cursor=…>; rel="next"` (RFC 8288); null on the last page. */
export function nextCursor(link: string | null): string | null {
  const [, target] = nextLink.exec(link ?? '') ?? [];
  // The address may be relative, and of it only the query counts.
  return target === undefined ? null : new URL(target, 'http://relative').searchParams.get('cursor');
}

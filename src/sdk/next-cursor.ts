/** Takes linear time for a hostile header: a link ends before the next `<`. */
const nextLink = /<([^<>]*)>[^,<]*;\s*rel="?next"?/;

/** Parses the cursor from `Link: <…?cursor=…>; rel="next"` (RFC 8288); null on the last page. */
export function nextCursor(link: string | null): string | null {
  const [, target] = nextLink.exec(link ?? '') ?? [];
  // The address may be relative; only its query is read.
  return target === undefined ? null : new URL(target, 'http://relative').searchParams.get('cursor');
}

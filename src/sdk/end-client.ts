/** What a request brings of its end client's key. */
export type Credential = { key: string | undefined; isAmbiguous: boolean };

const bearerPattern = /^Bearer +(\S+) *$/i;

/**
 * The key from `X-API-Key` or `Authorization: Bearer`, as Flowplate's own forward auth reads it.
 * Two different keys, or a list in one header, are no key at all. An empty `X-API-Key` counts as
 * not sent. `rawHeaders` are names and values in turn, as Node has them: only there duplicates are
 * seen.
 */
export function readCredential(rawHeaders: readonly string[]): Credential {
  const sent = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const key = readKey(rawHeaders[index]?.toLowerCase(), rawHeaders[index + 1] ?? '');
    if (key !== undefined) sent.add(key);
  }
  const [key] = sent;
  const isAmbiguous = sent.size > 1 || key?.includes(',') === true;
  return { key: isAmbiguous ? undefined : key, isAmbiguous };
}

function readKey(name: string | undefined, value: string): string | undefined {
  if (name === 'x-api-key') return value === '' ? undefined : value;
  return name === 'authorization' ? fromBearer(value) : undefined;
}

/** Undefined for another scheme, such as the Basic credentials of something behind the gateway. */
function fromBearer(authorization: string): string | undefined {
  return bearerPattern.exec(authorization)?.[1] ?? (/^Bearer\b/i.test(authorization) ? '' : undefined);
}

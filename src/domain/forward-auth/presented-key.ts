/** The end client's key in a request; undefined when there is none, or no single one. */
export type PresentedKey = { key: string | undefined; isAmbiguous: boolean };

const bearerPattern = /^Bearer +(\S+) *$/i;

/**
 * The end client's key, from the values of `X-API-Key` and of `Authorization`. Two different keys,
 * or a list in one header (nginx joins duplicates with a comma), are no key at all. An empty
 * `X-API-Key` counts as not sent.
 */
export function readPresentedKey(
  apiKeys: readonly string[],
  authorizations: readonly string[],
): PresentedKey {
  const filled = apiKeys.filter((value) => value !== '');
  const sent = authorizations.length === 0 ? filled : [...filled, ...authorizations.map(bearerToken)];
  const keys = sent.filter((key) => key !== undefined);
  const key = keys[0];
  const isAmbiguous = key !== undefined && (key.includes(',') || keys.some((other) => other !== key));
  return { key: isAmbiguous ? undefined : key, isAmbiguous };
}

/**
 * The token of `Authorization: Bearer` (RFC 6750 §2.1), and an empty text when it cannot be read.
 * Undefined for another scheme, such as the Basic credentials of something behind the gateway.
 */
export function bearerToken(authorization: string): string | undefined {
  return bearerPattern.exec(authorization)?.[1] ?? (/^Bearer\b/i.test(authorization) ? '' : undefined);
}

import type { Asked } from '../../verify/decide.ts';

type Headers = NodeJS.Dict<string[]>;

export type EndClient = { key: string | undefined; isAmbiguous: boolean; asked: Asked };

const bearerPattern = /^Bearer +(\S+) *$/i;

/**
 * What the proxy's request says of its end client: the key, from `X-API-Key` or `Authorization: Bearer`, and what the gateway
 * demands of it in `x-flowplate-required-*`. Two different keys, or a list in one header (nginx joins duplicates with a comma), are
 * no key at all. A client that sends such a demand itself can only make it harder for itself: demands are added up.
 */
export function readEndClient(headers: Headers): EndClient {
  const keys = new Set([...(headers['x-api-key'] ?? []), ...(headers.authorization ?? []).map(fromBearer)]);
  const [key, ...others] = [...keys].filter((candidate) => candidate !== undefined);
  const isAmbiguous = others.length > 0 || key?.includes(',') === true;
  return { key: isAmbiguous ? undefined : key, isAmbiguous, asked: readDemands(headers) };
}

/** Undefined for another scheme, such as the Basic credentials of something behind the gateway. */
function fromBearer(authorization: string): string | undefined {
  return bearerPattern.exec(authorization)?.[1] ?? (/^Bearer\b/i.test(authorization) ? '' : undefined);
}

function readDemands(headers: Headers): Asked {
  const scopes = words(headers['x-flowplate-required-scopes']);
  const organizations = words(headers['x-flowplate-required-organization']);
  const environments = words(headers['x-flowplate-required-environment']);
  return {
    scopes: scopes.length > 0 ? scopes : undefined,
    organizationId: conjunction(organizations),
    environment: conjunction(environments),
    ip: lastAddress(headers['x-forwarded-for']),
  };
}

function words(values: string[] = []): string[] {
  return values.flatMap((value) => value.split(/[\s,]+/)).filter((word) => word !== '');
}

/** Two different demands cannot both be met: a value that no key has. */
function conjunction(demands: string[]): string | undefined {
  const [first, ...others] = new Set(demands);
  return others.length > 0 ? demands.join(' ') : first;
}

/** The address that the gateway itself saw: it appends at the end, and what stands before it may be the client's invention. */
function lastAddress(forwardedFor: string[] = []): string | undefined {
  return forwardedFor
    .flatMap((value) => value.split(','))
    .at(-1)
    ?.trim();
}

import { pickHeaders } from '../pick-headers.ts';
import { type PresentedKey, readPresentedKey } from './presented-key.ts';

/** Headers that forward auth decides from. */
export const proxyRequestHeaders = [
  'x-flowplate-master-key',
  'x-api-key',
  'authorization',
  'x-forwarded-for',
  'x-request-id',
  'x-flowplate-required-scopes',
  'x-flowplate-required-organization',
  'x-flowplate-required-environment',
] as const;

/** All that it reads: with those that announce a body. It ignores the rest of the request. */
const headerNames = [...proxyRequestHeaders, 'content-length', 'transfer-encoding'] as const;

/** Demands of the gateway on the end client's key. `ip` is unparsed. */
export type Demanded = {
  scopes: string[] | undefined;
  organizationId: string | undefined;
  environment: string | undefined;
  ip: string | undefined;
};

export type ProxyRequest = PresentedKey & {
  /** The gateway's own credential; undefined when it sent none, or two different ones. */
  masterKey: string | undefined;
  /** Whether it sent two different ones. */
  isGatewayAmbiguous: boolean;
  asked: Demanded;
  requestId: string | undefined;
  /** Whether a body is announced; it may still be missing. */
  announcesBody: boolean;
};

/**
 * Contents of the proxy's request: who asks, the end client's key, and the gateway's demands on it
 * in `x-flowplate-required-*`. A client that sends such a demand itself only makes it harder for
 * itself: demands are added up.
 */
export function readProxyRequest(rawHeaders: readonly string[]): ProxyRequest {
  const [masterKeys, apiKeys, authorizations, forwardedFor, requestIds, ...rest] = pickHeaders(
    rawHeaders,
    headerNames,
  );
  const [scopes, organizations, environments, lengths, encodings] = rest;
  const { key, isAmbiguous } = readPresentedKey(apiKeys ?? [], authorizations ?? []);
  const masterKey = theOnly(masterKeys);
  return {
    masterKey,
    isGatewayAmbiguous: masterKey === undefined && masterKeys?.some((value) => value !== '') === true,
    key,
    isAmbiguous,
    asked: {
      scopes: words(scopes),
      organizationId: conjunction(words(organizations)),
      environment: conjunction(words(environments)),
      ip: lastAddress(forwardedFor),
    },
    requestId: requestIds?.[0],
    announcesBody: encodings?.length !== 0 || lengths?.some((length) => length !== '0') === true,
  };
}

/** The single distinct value, however often it was sent. */
function theOnly(values: string[] = []): string | undefined {
  const [first, ...others] = values.length === 1 ? values : values.filter((value) => value !== '');
  return others.every((other) => other === first) ? first : undefined;
}

function words(values: string[] = []): string[] | undefined {
  if (values.length === 0) return undefined;
  const all = values.flatMap((value) => value.split(/[\s,]+/)).filter((word) => word !== '');
  return all.length === 0 ? undefined : all;
}

/** Conflicting requirements are joined into a value that no key has, so the check fails. */
function conjunction(demands: string[] | undefined): string | undefined {
  if (demands === undefined) return undefined;
  const [first, ...others] = new Set(demands);
  return others.length > 0 ? demands.join(' ') : first;
}

/** Last address, added by the gateway itself; earlier ones may be forged by the client. */
function lastAddress(forwardedFor: string[] = []): string | undefined {
  const last = forwardedFor.at(-1);
  return last?.slice(last.lastIndexOf(',') + 1);
}

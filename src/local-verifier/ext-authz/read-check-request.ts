import { type ProxyRequest, readProxyRequest } from '../../domain/forward-auth/proxy-request.ts';
import type { CheckRequest, HttpRequest } from './check-messages.ts';

/** What Envoy sends of a request: `asked` is read like forward auth. */
export type EnvoyRequest = { asked: ProxyRequest; rawHeaders: string[] };

const demandPrefix = 'x-flowplate-required-';

/**
 * Reads a check like the request of forward auth. Demands of a route are its `context_extensions`,
 * named as the headers are; a client that sends such a header only adds to them. Without
 * `x-forwarded-for` the end client's address is that of the connection.
 */
export function readCheckRequest({ attributes = {} }: CheckRequest): EnvoyRequest {
  const rawHeaders = headerList(attributes.request?.http ?? {});
  const demands = Object.entries(attributes.context_extensions ?? {}).filter(([name]) =>
    name.toLowerCase().startsWith(demandPrefix),
  );
  const forwarded = hasHeader(rawHeaders, 'x-forwarded-for') ? [] : sourceAddress(attributes);
  return { rawHeaders, asked: readProxyRequest([...rawHeaders, ...demands.flat(), ...forwarded]) };
}

/** Names and values in turn. Bytes are read as Node reads headers. */
function headerList({ headers = {}, header_map }: HttpRequest): string[] {
  const raw = header_map?.headers ?? [];
  return [
    ...Object.entries(headers).flat(),
    ...raw.flatMap(({ key = '', value, raw_value }) => [key, value || (raw_value?.toString('latin1') ?? '')]),
  ];
}

function hasHeader(rawHeaders: readonly string[], wanted: string): boolean {
  return rawHeaders.some((name, at) => at % 2 === 0 && name.toLowerCase() === wanted);
}

function sourceAddress({ source }: NonNullable<CheckRequest['attributes']>): string[] {
  const address = source?.address?.socket_address?.address;
  return address === undefined ? [] : ['x-forwarded-for', address];
}

import { status as grpcStatus } from '@grpc/grpc-js';
import { clientHeaders } from '../../domain/forward-auth/allow-headers.ts';
import { identityHeaderList } from '../../domain/forward-auth/identity-headers.ts';
import type { RefusalAnswer } from '../../domain/forward-auth/refusals.ts';
import type { Accepted } from '../../domain/verdict.ts';
import { type CheckResponse, overwriting } from './check-messages.ts';

/** Credentials do not travel on to the application. */
const credentialNames = ['authorization', 'x-api-key', 'x-flowplate-master-key'];

/**
 * Lets the request pass, with every identity header in the place of what the client sent. Removed
 * are the credentials, and what else looks like one of ours: an application behind CGI cannot tell
 * a hyphen from an underscore. A header whose true value is empty is also removed where the client
 * sent one, for a version of Envoy that drops empty headers instead of setting them.
 */
export function toOkResponse(
  verdict: Accepted,
  rawHeaders: readonly string[],
  nowMs: () => number,
): CheckResponse {
  const identity = pairsOf(identityHeaderList(verdict));
  const set = new Set(identity.filter(([, value]) => value !== '').map(([name]) => name));
  const invented = pairsOf(rawHeaders)
    .map(([name]) => name.toLowerCase())
    .filter((name) => name.replaceAll('_', '-').startsWith('x-flowplate-') && !set.has(name));
  return {
    status: { code: grpcStatus.OK },
    ok_response: {
      headers: identity.map(([name, value]) => overwriting(name, value)),
      headers_to_remove: [...new Set([...credentialNames, ...invented])],
      response_headers_to_add: Object.entries(clientHeaders(verdict, nowMs)).map(([name, value]) =>
        overwriting(name, value),
      ),
    },
  };
}

const codes: Record<number, number> = {
  401: grpcStatus.UNAUTHENTICATED,
  403: grpcStatus.PERMISSION_DENIED,
  429: grpcStatus.RESOURCE_EXHAUSTED,
  503: grpcStatus.UNAVAILABLE,
};

/** The refusal of forward auth, which Envoy passes on to the client. */
export function toDeniedResponse({ status, headers, body }: RefusalAnswer): CheckResponse {
  return {
    status: { code: codes[status] ?? grpcStatus.PERMISSION_DENIED },
    denied_response: {
      status: { code: status },
      headers: Object.entries(headers).map(([name, value]) => overwriting(name, value)),
      body,
    },
  };
}

function pairsOf(list: readonly string[]): [name: string, value: string][] {
  return list.flatMap((name, at): [string, string][] => (at % 2 === 0 ? [[name, list[at + 1] ?? '']] : []));
}

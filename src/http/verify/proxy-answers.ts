import { allowHeaderList, requestHeaderList } from '../../domain/forward-auth/allow-headers.ts';
import { isUnknownKey, type Outcome } from '../../domain/forward-auth/outcome.ts';
import type { RefusalAnswer } from '../../domain/forward-auth/refusals.ts';
import type { Accepted } from '../../domain/verdict.ts';
import { AcceptedVerdict } from '../../verify/accepted-verdict.ts';
import type { HttpExchange } from '../exchange.ts';
import type { RefusalPace } from '../refusal-pace.ts';
import type { WholeAnswer } from '../send-whole.ts';

/** A request of a proxy, from node:http or from the fast lane. */
export type ProxyExchange = Pick<HttpExchange, 'req' | 'send'>;

/** 200 with every identity header and no body. */
export function allowAnswer(verdict: Accepted, requestId: string, nowMs: () => number): WholeAnswer {
  const answer = { status: 200, body: '', bodyBytes: 0 };
  // The same object for each request with the key, until its record changes.
  return verdict instanceof AcceptedVerdict
    ? { ...answer, shared: verdict, headers: requestHeaderList(verdict, requestId, nowMs) }
    : { ...answer, headers: allowHeaderList(verdict, requestId, nowMs) };
}

export function refusalAnswer(
  { status, headers, body }: RefusalAnswer,
  pace: RefusalPace | undefined,
): WholeAnswer {
  const bodyBytes = Buffer.byteLength(body);
  const list = Object.entries(headers).flat();
  list.push('Content-Length', String(bodyBytes));
  return { status, headers: list, body, bodyBytes, pace };
}

export type ProxyPaces = { refusalPace: RefusalPace; unknownKeyPace: RefusalPace };

/** Gateways and keys that do not exist can be asked for by anybody. */
export function paceFor(
  { refusalPace, unknownKeyPace }: ProxyPaces,
  outcome: Outcome,
): RefusalPace | undefined {
  if (outcome === 'GATEWAY_UNKNOWN') return refusalPace;
  return isUnknownKey(outcome) ? unknownKeyPace : undefined;
}

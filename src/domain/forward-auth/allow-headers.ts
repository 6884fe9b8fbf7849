import { deprecationHeaders } from '../deprecation.ts';
import type { Accepted } from '../verdict.ts';
import { identityHeaderList } from './identity-headers.ts';
import { limitHeaders } from './limit-headers.ts';

/**
 * All headers of an answer that lets a request pass, as one flat list of names and values. `nowMs`
 * is by the clock by which the limits were decided.
 */
export function allowHeaderList(verdict: Accepted, requestId: string, nowMs: () => number): string[] {
  return [...identityHeaderList(verdict), ...requestHeaderList(verdict, requestId, nowMs)];
}

/** Of these headers, those that differ from one request with the key to the next. */
export function requestHeaderList(verdict: Accepted, requestId: string, nowMs: () => number): string[] {
  const headers = [
    'x-request-id',
    requestId,
    'x-envoy-auth-headers-to-remove',
    'authorization,x-api-key',
    'Cache-Control',
    'no-store',
    'Content-Length',
    '0',
  ];
  const forClient = clientHeaders(verdict, nowMs);
  if (forClient !== none) headers.push(...Object.entries(forClient).flat());
  return headers;
}

const none: Record<string, string> = Object.freeze({});

/** Of these headers, those that are meant for the end client: its limits, and its key's end. */
export function clientHeaders(verdict: Accepted, nowMs: () => number): Record<string, string> {
  const isLimited = verdict.rate_limit !== undefined || verdict.quota !== undefined;
  if (!isLimited && verdict.code !== 'SUPERSEDED') return none;
  return { ...limitHeaders(verdict, nowMs()), ...deprecationHeaders(verdict) };
}

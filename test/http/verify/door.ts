import { expect } from 'vitest';
import type { Answer } from '../../support/call.ts';
import { eventually } from '../../support/eventually.ts';
import type { Minted, mint } from '../../support/keys.ts';

export const doorPath = '/v1/flowplate/authz';

type Caller = Parameters<typeof mint>[0];

export type Knock = {
  method?: string;
  /** From the door on, with the query. */
  below?: string;
  /** The gateway's master key; null for none. */
  as?: string | null;
};

/** Forward-auth call for a request with these headers. */
export function knockOnce(broker: Caller, headers: Record<string, string>, how: Knock = {}): Promise<Answer> {
  const { method = 'GET', below = '', as } = how;
  return broker.call(`${method} ${doorPath}${below}`, { headers, ...(as !== undefined && { as }) });
}

/**
 * The first decision: a busy machine may miss the door's deadline, and is then asked again, as its
 * 503 says.
 */
export function knock(broker: Caller, headers: Record<string, string>, how?: Knock): Promise<Answer> {
  return eventually(
    10_000,
    () => knockOnce(broker, headers, how),
    ({ status }) => status !== 503,
  );
}

/** For the request of somebody who sends this key as `X-API-Key`. */
export function knockWith(broker: Caller, { key }: Pick<Minted, 'key'>, more: object = {}, how?: Knock) {
  return knock(broker, { 'x-api-key': key, ...more }, how);
}

/** All headers but what Node adds for the connection. */
export function headersOf(answer: Answer): Record<string, string> {
  const { date: _, connection: __, 'keep-alive': ___, ...headers } = Object.fromEntries(answer.headers);
  return headers;
}

/**
 * Expects a refusal as every gateway can take it, and nothing in it that the end client should not
 * know.
 */
export function expectRefusal(answer: Answer, status: number, title: string, headers: object) {
  const requestId = answer.headers.get('x-request-id');
  expect(answer.body).toStrictEqual({ type: 'about:blank', title, status, trace_id: requestId });
  expect(answer.status).toBe(status);
  const length = JSON.stringify(answer.body).length;
  expect(length).toBeLessThanOrEqual(300);
  expect(headersOf(answer)).toStrictEqual({
    'cache-control': 'no-store',
    'content-length': String(length),
    'content-type': 'application/problem+json',
    'x-request-id': expect.stringMatching(/^req_/),
    ...headers,
  });
}

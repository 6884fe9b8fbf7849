import type { Answer } from '../../support/call.ts';
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

/** What a gateway asks for a request that came with these headers. */
export function knock(broker: Caller, headers: Record<string, string>, how: Knock = {}): Promise<Answer> {
  const { method = 'GET', below = '', as } = how;
  return broker.call(`${method} ${doorPath}${below}`, { headers, ...(as !== undefined && { as }) });
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

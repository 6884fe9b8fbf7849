import { expect } from 'vitest';
import type { TestBroker } from './broker.ts';
import type { Answer } from './call.ts';
import { keysPath, type Owner, refresh } from './keys.ts';

let keys = 0;

export function newIdempotencyKey(): string {
  keys += 1;
  return `request-${keys}`;
}

/** A mint that may be repeated; `as` is another master key than the broker's own. */
export function mintUnder(broker: TestBroker, key: string, body: object, as?: string): Promise<Answer> {
  return broker.call(`POST ${keysPath}`, {
    body,
    headers: { 'idempotency-key': key },
    ...(as !== undefined && { as }),
  });
}

export function refreshUnder(
  broker: TestBroker,
  key: string,
  owner: Owner,
  body: object = {},
): Promise<Answer> {
  return refresh(broker, owner, body, { headers: { 'idempotency-key': key } });
}

export function expectReplay(answer: Answer, original: Answer): void {
  expect(answer.status, JSON.stringify(answer.body)).toBe(original.status);
  expect(answer.headers.get('idempotency-replayed')).toBe('true');
  expect(answer.body).toEqual(original.body);
}

/** Number of keys that a user ever had. */
export async function countKeys(broker: TestBroker, { user_id }: Owner): Promise<number> {
  const rows = await broker.db.selectFrom('api_keys').select('id').where('user_id', '=', user_id).execute();
  return rows.length;
}

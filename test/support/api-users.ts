import { expect } from 'vitest';
import type { TestBroker } from './broker.ts';
import type { CallOptions } from './call.ts';
import { insist } from './insist.ts';
import { platformKey } from './platform-callers.ts';

export type TestApiUser = { id: string; key: string };

/** Creates the first admin, as `flowplate users bootstrap` does. */
export async function firstApiAdmin(broker: TestBroker): Promise<TestApiUser> {
  const { headers } = await platformKey(broker);
  const body = { name: 'First' };
  const answer = await insist(() => broker.call('POST /users/bootstrap', { as: null, headers, body }));
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return { id: answer.body.user.user_id, key: answer.body.api_key };
}

/** Calls with the key of an API user. */
export function callAs(broker: TestBroker, user: Pick<TestApiUser, 'key'>) {
  return (operation: string, { headers, ...options }: CallOptions = {}) =>
    broker.call(operation, { as: null, ...options, headers: { 'x-api-key': user.key, ...headers } });
}

export async function createApiUser(
  broker: TestBroker,
  admin: TestApiUser,
  body: object = {},
): Promise<TestApiUser> {
  const create = callAs(broker, admin);
  const answer = await insist(() => create('POST /users', { body: { name: 'test', ...body } }));
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return { id: answer.body.user.user_id, key: answer.body.api_key };
}

/** Code of the verdict on a key. */
export async function codeOf(broker: TestBroker, key: string): Promise<string> {
  return (await broker.call('POST /v1/flowplate/api-keys/verify', { body: { key } })).body.code;
}

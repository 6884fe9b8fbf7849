import { expect } from 'vitest';
import type { TestBroker } from './broker.ts';
import type { Answer } from './call.ts';
import { insist } from './insist.ts';

export const apiKeysPath = '/api/v1/apikeys';

/** A well-formed id that no key has. */
export const noSuchApiKey = 'ak_0000000000000000000000';

/** Headers of a caller: a key, and the impersonated organization, if any. */
export type Headers = Record<string, string>;

export function inside(organizationId: string, headers: Headers): Headers {
  return { ...headers, 'x-flowplate-org': organizationId };
}

type Callable = Pick<TestBroker, 'call'>;

export function callAs(broker: Callable, headers: Headers, operation: string, body?: unknown) {
  return broker.call(operation, { as: null, headers, ...(body !== undefined && { body }) });
}

export function create(broker: Callable, headers: Headers, body: object): Promise<Answer> {
  return callAs(broker, headers, `POST ${apiKeysPath}`, body);
}

/** Creates a key, and expects success. Insists: it prepares a test. */
export async function created(
  broker: Callable,
  headers: Headers,
  body: object = {},
): Promise<Answer['body']> {
  const answer = await insist(() => create(broker, headers, { name: 'test', ...body }));
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return answer.body;
}

export function getApiKey(broker: Callable, headers: Headers, id: string): Promise<Answer> {
  return callAs(broker, headers, `GET ${apiKeysPath}/${id}`);
}

export function rotate(broker: Callable, headers: Headers, id: string, body: object = {}) {
  return callAs(broker, headers, `POST ${apiKeysPath}/${id}/rotate`, body);
}

export function revokeApiKey(broker: Callable, headers: Headers, id: string): Promise<Answer> {
  return callAs(broker, headers, `POST ${apiKeysPath}/${id}/revoke`, {});
}

export function removeApiKey(broker: Callable, headers: Headers, id: string): Promise<Answer> {
  return callAs(broker, headers, `DELETE ${apiKeysPath}/${id}`);
}

export async function listApiKeys(
  broker: Callable,
  headers: Headers,
  query: Record<string, string | number> = {},
): Promise<{ data: Answer['body'][]; next_cursor: string | null }> {
  const text = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  const answer = await callAs(broker, headers, `GET ${apiKeysPath}?${text}`);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
}

export const idsOf = (keys: readonly { id: string }[]) => keys.map(({ id }) => id);

/** Every operation on one key, as a caller spells it. */
export const operationsOn = (id: string): readonly (readonly [string, unknown?])[] => [
  [`GET ${apiKeysPath}/${id}`],
  [`GET ${apiKeysPath}/${id}/usage`],
  [`POST ${apiKeysPath}/${id}/rotate`, {}],
  [`POST ${apiKeysPath}/${id}/revoke`, {}],
  [`DELETE ${apiKeysPath}/${id}`],
];

import { expect } from 'vitest';
import type { Answer, Call, CallOptions } from './call.ts';
import { within } from './eventually.ts';
import { insist } from './insist.ts';

export const keysPath = '/v1/flowplate/api-keys';

type Caller = { call: Call };

export type Owner = { user_id: string; organization_id: string };

export type Minted = Owner & {
  key: string;
  key_id: string;
  key_prefix: string;
  created_at: string;
  expires_at?: string;
};

let owners = 0;

/** A user in an organization that no other test of the file knows. */
export function newOwner(): Owner {
  owners += 1;
  return { user_id: `usr_${owners}`, organization_id: `org_${owners}` };
}

/** A key of a new owner, unless `body` names one. Insists: it prepares a test. */
export async function mint(broker: Caller, body: object = {}, options: CallOptions = {}): Promise<Minted> {
  const answer = await insist(() =>
    broker.call(`POST ${keysPath}`, { ...options, body: { ...newOwner(), ...body } }),
  );
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return answer.body;
}

export function refresh(broker: Caller, owner: Owner, body: object = {}, options: CallOptions = {}) {
  return broker.call(`POST ${keysPath}/${owner.user_id}/${owner.organization_id}/refresh`, {
    ...options,
    body,
  });
}

/** The successor key; expects success. Insists: it prepares a test. */
export async function refreshed(broker: Caller, owner: Owner, body: object = {}): Promise<Minted> {
  const answer = await insist(() => refresh(broker, owner, body));
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body.new_key;
}

export async function verify(
  broker: Caller,
  key: string,
  asked: object = {},
  options: CallOptions = {},
): Promise<Answer['body']> {
  const answer = await broker.call(`POST ${keysPath}/verify`, { ...options, body: { key, ...asked } });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
}

/** Verdict codes of keys, in their order. */
export function codesOf(broker: Caller, keys: readonly Pick<Minted, 'key'>[]): Promise<string[]> {
  return Promise.all(keys.map(async ({ key }) => (await verify(broker, key)).code as string));
}

export function getKey(broker: Caller, keyId: string, options: CallOptions = {}): Promise<Answer> {
  return broker.call(`GET ${keysPath}/${keyId}`, options);
}

export function revoke(broker: Caller, keyId: string, options: CallOptions = {}): Promise<Answer> {
  return broker.call(`DELETE ${keysPath}/${keyId}`, options);
}

/**
 * Revokes a key, and asks again until no verifier is behind: a busy machine may hear of it later
 * than an answer waits. Less than a lease, so that each has acknowledged it.
 */
export function revokeEverywhere(broker: Caller, keyId: string): Promise<Answer> {
  return within(
    20_000,
    () => revoke(broker, keyId),
    ({ body }) => body.propagation === 'complete',
  );
}

export function update(broker: Caller, keyId: string, body: object, options: CallOptions = {}) {
  return broker.call(`PATCH ${keysPath}/${keyId}`, { ...options, body });
}

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FlowplateClient } from '../../src/sdk/client.ts';
import { FlowplateApiError, FlowplateUnreachableError } from '../../src/sdk/errors.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { newOwner } from '../support/keys.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

type Meddle = (send: () => Promise<Response>, attempt: number) => Promise<Response>;

/** A client whose attempts a test stands in the way of; remembers the Idempotency-Key of each. */
function meddledClient(meddle: Meddle, retriesMax = 3) {
  const keys: Array<string | null> = [];
  const client = new FlowplateClient({
    baseUrl: broker.url,
    masterKey: broker.masterKey,
    retriesMax,
    fetch: (input, init) => {
      keys.push(new Headers(init?.headers).get('idempotency-key'));
      return meddle(() => fetch(input, init), keys.length);
    },
  });
  return { client, keys };
}

/** The broker acts, and its first answers do not arrive. */
const losing =
  (times: number): Meddle =>
  async (send, attempt) => {
    const answer = await send();
    if (attempt <= times) throw new TypeError('lost');
    return answer;
  };

function refusing(times: number, status: number, code: string, headers = {}): Meddle {
  const error = { code, system_message: code, trace_id: 'req_x', details: {} };
  return async (send, attempt) =>
    attempt > times ? send() : new Response(JSON.stringify({ error }), { status, headers });
}

describe('a mint', () => {
  test('whose answers are lost is repeated under its Idempotency-Key and makes one key', async () => {
    const { client, keys } = meddledClient(losing(2));
    const owner = newOwner();
    const minted = await client.mint(owner);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect((await client.verify({ key: minted.key })).code).toBe('VALID');
    const page = await client.listPage({ user_id: owner.user_id });
    expect(page.data.map(({ key_id }) => key_id)).toEqual([minted.key_id]);
  });

  test('that is answered "not now" or "still running" is repeated', async () => {
    for (const meddle of [
      refusing(2, 503, 'DEPENDENCY_UNAVAILABLE', { 'retry-after': '0' }),
      refusing(2, 409, 'IDEMPOTENCY_IN_PROGRESS'),
    ]) {
      const { client, keys } = meddledClient(meddle);
      expect((await client.mint(newOwner())).key).toMatch(/^fl_user_/);
      expect([keys.length, new Set(keys).size]).toEqual([3, 1]);
    }
  });

  test('is not repeated for ever', async () => {
    const { client, keys } = meddledClient(losing(99), 2);
    await expect(client.mint(newOwner())).rejects.toThrow(FlowplateUnreachableError);
    expect(keys).toHaveLength(3);
  });

  test('that was refused is not repeated', async () => {
    for (const [status, code] of [
      [409, 'KEY_ALREADY_EXISTS'],
      [422, 'VALIDATION_ERROR'],
      [500, 'INTERNAL_ERROR'],
      [503, 'DEPENDENCY_UNAVAILABLE'],
    ] as const) {
      const { client, keys } = meddledClient(refusing(99, status, code));
      await expect(client.mint(newOwner())).rejects.toThrow(FlowplateApiError);
      expect(keys).toHaveLength(1);
    }
  });

  test('has a key of its own each time, or the one that the caller gives', async () => {
    const { client, keys } = meddledClient(losing(0));
    await client.mint(newOwner());
    await client.mint(newOwner());
    expect(new Set(keys).size).toBe(2);
    const owner = newOwner();
    const first = await client.mint(owner, { idempotencyKey: 'mine' });
    expect(await client.mint(owner, { idempotencyKey: 'mine' })).toEqual(first);
    expect(keys.slice(2)).toEqual(['mine', 'mine']);
  });
});

test('a refresh whose answer is lost is repeated, and its key is the one that lives', async () => {
  const { client } = meddledClient(async (send, attempt) => {
    const answer = await send();
    // The first attempt is the mint, the second the refresh.
    if (attempt === 2) throw new TypeError('lost');
    return answer;
  });
  const owner = newOwner();
  await client.mint(owner);
  const { new_key } = await client.refresh(owner);
  expect((await client.verify({ key: new_key.key })).code).toBe('VALID');
  expect((await client.listPage({ user_id: owner.user_id })).data).toHaveLength(2);
});

test('a read is repeated', async () => {
  const { client, keys } = meddledClient(losing(2));
  expect((await client.listPage()).data.length).toBeGreaterThanOrEqual(0);
  expect(keys).toEqual([null, null, null]);
});

test('a verification, which spends limits, and a revoke, whose answer counts, are sent once', async () => {
  const { client, keys } = meddledClient(async (send, attempt) => {
    const answer = await send();
    if (attempt > 1) throw new TypeError('lost');
    return answer;
  });
  const { key, key_id } = await client.mint({ ...newOwner(), rate_limit: { limit: 5, window_seconds: 60 } });
  await expect(client.verify({ key })).rejects.toThrow(FlowplateUnreachableError);
  await expect(client.revoke(key_id)).rejects.toThrow(FlowplateUnreachableError);
  expect(keys).toHaveLength(3);
});

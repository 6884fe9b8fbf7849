import { createServer, type RequestListener } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listKeysRoute } from '../../src/http/user-keys/list-keys.ts';
import { listen } from '../../src/process/serve-http.ts';
import { FlowplateClient } from '../../src/sdk/client.ts';
import { FlowplateApiError, FlowplateUnreachableError } from '../../src/sdk/errors.ts';
import { FlowplateOperatorClient } from '../../src/sdk/operator-client.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { newOwner } from '../support/keys.ts';

let broker: TestBroker;
let client: FlowplateClient;
beforeAll(async () => {
  broker = await startBroker();
  client = new FlowplateClient({ baseUrl: `${broker.url}/`, masterKey: broker.masterKey });
});
afterAll(async () => {
  await endAll();
  await broker.close();
});

async function failure<E extends Error>(
  work: Promise<unknown>,
  kind: new (...args: never[]) => E,
): Promise<E> {
  const error = await work.then(
    () => new Error('it succeeded'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(kind);
  return error as E;
}

describe('why a key is refused', () => {
  test('every check, by its text and by its id, and its last refusals', async () => {
    const { key, key_id } = await client.mint({ ...newOwner(), scopes: ['read'] });
    const explained = await client.explain(key_id, { scopes: ['write'], at: '2099-01-01' });
    expect(explained).toMatchObject({ valid: false, code: 'INSUFFICIENT_SCOPE' });
    expect(await client.explainVerification({ key, scopes: ['write'] })).toMatchObject({
      valid: false,
      checks: expect.arrayContaining([
        { check: 'INSUFFICIENT_SCOPE', result: 'failed', asked: ['write'], has: ['read'] },
      ]),
    });
    expect(await client.explain(key_id)).toMatchObject({ valid: true, key_id });
    await broker.api.flushUsage();
    expect(await client.refusals(key_id)).toEqual([]);
    await client.verify({ key, scopes: ['write'], ip: '192.0.2.7' });
    await broker.api.flushUsage();
    expect(await client.refusals(key_id)).toMatchObject([
      { code: 'INSUFFICIENT_SCOPE', endpoint: 'verify', ip: '192.0.2.7' },
    ]);
    const error = await failure(client.explain('flk_0000000000000000000000'), FlowplateApiError);
    expect(error.code).toBe('KEY_NOT_FOUND');
  });
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

describe('many mints', () => {
  test('give one outcome each, in order; a connection that breaks is repeated and gives the same keys', async () => {
    const owners = Array.from({ length: 1_003 }, (_, index) => ({
      user_id: `many_${index}`,
      organization_id: 'org_many',
    }));
    const requests = [...owners, { user_id: 'many_0', organization_id: 'org_many' }];
    let calls = 0;
    const cutOff: typeof fetch = async (url, init) => {
      const answer = await fetch(url, init);
      if (calls++ > 0 || answer.body === null) return answer;
      const text = await answer.text();
      return new Response(text.slice(0, text.indexOf('\n', 9_000) + 1), answer);
    };
    const broken = new FlowplateClient({ baseUrl: broker.url, masterKey: broker.masterKey, fetch: cutOff });
    const outcomes = await all(broken.mintKeys(requests, { idempotencyKey: 'many' }));
    expect(calls).toBe(3);
    expect(outcomes.map(({ number }) => number)).toEqual(requests.map((_, index) => index + 1));
    expect(outcomes.slice(0, -1).map(({ minted }) => minted?.user_id)).toEqual(
      owners.map(({ user_id }) => user_id),
    );
    expect(outcomes.at(-1)?.error).toMatchObject({ code: 'KEY_ALREADY_EXISTS', status: 409 });
    const again = await all(client.mintKeys(requests, { idempotencyKey: 'many' }));
    expect(again.map(({ minted }) => minted)).toEqual(outcomes.map(({ minted }) => minted));
  });
});

describe('a key, from its first day to its last', () => {
  test('mint, verify, look at, change, refresh, revoke', async () => {
    const owner = newOwner();
    const minted = await client.mint({ ...owner, scopes: ['read'], metadata: { plan: 'gold' } });
    expect(minted).toMatchObject({ ...owner, scopes: ['read'], metadata: { plan: 'gold' } });
    expect(await client.verify({ key: minted.key, scopes: ['read'] })).toMatchObject({
      valid: true,
      code: 'VALID',
      key_id: minted.key_id,
    });
    const changed = await client.update(minted.key_id, { scopes: ['read', 'write'], name: 'ours' });
    expect(changed).toMatchObject({ name: 'ours', propagation: 'complete' });
    expect(await client.get(minted.key_id)).toMatchObject({ scopes: ['read', 'write'], status: 'active' });
    const refreshed = await client.refresh(owner, { grace_period_seconds: 600 });
    expect(refreshed).toMatchObject({ success: true, new_key: owner });
    const codes = await client.verifyBatch([
      { key: minted.key },
      { key: refreshed.new_key.key },
      { key: 'x' },
    ]);
    expect(codes.map(({ code }) => code)).toEqual(['SUPERSEDED', 'VALID', 'MALFORMED']);
    expect(await client.introspect(refreshed.new_key.key)).toMatchObject({
      active: true,
      sub: owner.user_id,
    });
    expect(await client.introspect('x')).toEqual({ active: false });
    expect(await client.revoke(refreshed.new_key.key_id)).toMatchObject({
      revoked_count: 2,
      propagation: 'complete',
    });
    expect((await client.verify({ key: minted.key })).code).toBe('REVOKED');
  });

  test("a user's keys are revoked in one organization, in one environment of it, or everywhere", async () => {
    const { user_id } = newOwner();
    for (const organization_id of ['org_a', 'org_b', 'org_c']) {
      for (const environment of ['prod', 'test'])
        await client.mint({ user_id, organization_id, environment });
    }
    const counts = [
      await client.revokeOwner({ user_id, organization_id: 'org_a', environment: 'prod' }),
      await client.revokeOwner({ user_id, organization_id: 'org_b' }),
      await client.revokeUser(user_id),
    ];
    expect(counts.map(({ revoked_count }) => revoked_count)).toEqual([1, 2, 3]);
  });

  test('a refresh gives a new end, in either way of naming it', async () => {
    const owner = newOwner();
    await client.mint({ ...owner, ttl_seconds: 60 });
    const expires_at = '2999-01-01T00:00:00.000Z';
    const { new_key } = await client.refresh(owner, { expires_at });
    expect(new_key.expires_at).toBe(expires_at);
    const sentAtMs = Date.now();
    const { new_key: shorter } = await client.refresh(owner, { ttl_seconds: 60 });
    expect(Date.parse(shorter.expires_at ?? '')).toBeGreaterThan(sentAtMs + 59_000);
    expect(Date.parse(shorter.expires_at ?? '')).toBeLessThanOrEqual(Date.parse(shorter.created_at) + 60_000);
    const twoEnds = client.refresh(owner, { expires_at, ttl_seconds: 60 });
    expect((await failure(twoEnds, FlowplateApiError)).code).toBe('VALIDATION_ERROR');
  });

  test('a refresh names its environment', async () => {
    const owner = { ...newOwner(), environment: 'stage' };
    const { key } = await client.mint(owner);
    await client.refresh(owner);
    expect((await client.verify({ key })).code).toBe('REVOKED');
  });

  test('usage comes with its steps and totals', async () => {
    const { key, key_id } = await client.mint(newOwner());
    for (let call = 0; call < 3; call++) await client.verify({ key });
    await broker.settleUsage();
    const usage = await client.usage(key_id, { granularity: 'day' });
    expect(usage).toMatchObject({ key_id, granularity: 'day', totals: { requests: 3, refused: 0 } });
    expect(usage.data).toHaveLength(1);
  });
});

describe('a list', () => {
  test('goes from page to page by itself, newest first, each key once', async () => {
    const { user_id } = newOwner();
    const ids: string[] = [];
    for (let index = 0; index < 7; index++) {
      ids.unshift((await client.mint({ user_id, organization_id: `org_list_${index}` })).key_id);
    }
    const seen: string[] = [];
    for await (const key of client.list({ user_id, limit: 3 })) seen.push(key.key_id);
    expect(seen).toEqual(ids);
    const page = await client.listPage({ user_id, limit: 3 });
    expect(listKeysRoute.answer.parse(page)).toEqual(page);
    expect(page.data.map(({ key_id }) => key_id)).toEqual(ids.slice(0, 3));
    const { next_cursor } = page;
    const second = await client.listPage({
      user_id,
      limit: 3,
      ...(next_cursor !== null && { cursor: next_cursor }),
    });
    expect(second.data.map(({ key_id }) => key_id)).toEqual(ids.slice(3, 6));
  });

  test('asks for no page that nobody wants', async () => {
    let asked = 0;
    const counting: typeof fetch = (...args) => {
      asked += 1;
      return fetch(...args);
    };
    const counted = new FlowplateClient({
      baseUrl: broker.url,
      masterKey: broker.masterKey,
      fetch: counting,
    });
    for await (const { key_id } of counted.list({ limit: 2 })) {
      expect(key_id).toMatch(/^flk_/);
      break;
    }
    expect(asked).toBe(1);
  });
});

describe('a refusal', () => {
  test('is an error with its code, status, trace id and details', async () => {
    const owner = newOwner();
    const { key_id } = await client.mint(owner);
    const error = await failure(client.mint(owner), FlowplateApiError);
    expect(error).toMatchObject({ code: 'KEY_ALREADY_EXISTS', status: 409, details: { key_id } });
    expect(error.traceId).toMatch(/^req_/);
    const invalid = await failure(client.mint({ ...owner, scopes: ['not a scope'] }), FlowplateApiError);
    expect(invalid).toMatchObject({ code: 'VALIDATION_ERROR', status: 422 });
    expect(invalid.details).toMatchObject([{ path: 'scopes.0' }]);
    const missing = await failure(client.get('flk_0000000000000000000000'), FlowplateApiError);
    expect(missing).toMatchObject({ code: 'KEY_NOT_FOUND', status: 404 });
  });

  test('a master key that is not good is one as well, and stands in no error', async () => {
    const masterKey = 'not-a-master-key-at-all';
    const error = await failure(
      new FlowplateClient({ baseUrl: broker.url, masterKey }).get('flk_0000000000000000000000'),
      FlowplateApiError,
    );
    expect(error).toMatchObject({ code: 'AUTHENTICATION_REQUIRED', status: 401 });
    expect(`${error.message} ${error.stack}`).not.toContain(masterKey);
  });
});

describe('an id that would make it the path of something else', () => {
  test.each(['user', 'User', 'verify', 'USAGE'])('a reserved word: %s', async (word) => {
    const innocent = await client.mint({ user_id: `usr_${word}`, organization_id: 'org_other' });
    for (const owner of [
      { user_id: word, organization_id: `usr_${word}` },
      { user_id: `usr_${word}`, organization_id: word },
    ]) {
      for (const call of [client.revokeOwner(owner), client.refresh(owner)]) {
        const error = await failure(call, FlowplateApiError);
        expect(error).toMatchObject({ code: 'VALIDATION_ERROR', status: 422 });
      }
    }
    expect(await client.verify({ key: innocent.key })).toMatchObject({ valid: true });
  });

  test.each(['', '.', '..'])('no segment of a path: %j', async (id) => {
    const { key, key_id } = await client.mint(newOwner());
    const operator = new FlowplateOperatorClient({ baseUrl: broker.url, credential: 'x' });
    for (const call of [
      client.revokeOwner({ user_id: key_id, organization_id: id }),
      client.revokeOwner({ user_id: id, organization_id: key_id }),
      client.revoke(id),
      client.revokeUser(id),
      client.usage(id),
      operator.tenants.get(id),
      operator.hiddenKeys.revokeUser(id),
    ]) {
      const error = await failure(call, FlowplateApiError);
      expect(error).toMatchObject({ code: 'VALIDATION_ERROR', details: [{ path: 'id' }] });
    }
    expect(await client.verify({ key })).toMatchObject({ valid: true });
  });
});

describe('an answer that is not ours', () => {
  async function clientOf(listener: RequestListener, options = {}) {
    const server = createServer(listener);
    const port = await listen(server, 0, '127.0.0.1');
    atEnd(() => {
      server.closeAllConnections();
      server.close();
    });
    const baseUrl = `http://127.0.0.1:${port}`;
    return new FlowplateClient({ baseUrl, masterKey: 'secret', retriesMax: 0, ...options });
  }

  test.each([
    [502, '<html>bad gateway</html>'],
    [200, '<html>welcome</html>'],
    [404, '{"error":"no such page"}'],
    [500, 'null'],
  ])('%i %s is an UNEXPECTED_ANSWER', async (status, text) => {
    const strange = await clientOf((_req, res) => void res.writeHead(status).end(text));
    const error = await failure(strange.get('flk_x'), FlowplateApiError);
    expect(error).toMatchObject({ code: 'UNEXPECTED_ANSWER', status });
    expect(error.message).not.toContain(text);
  });

  test('a redirect is not followed: the master key would go along', async () => {
    let visits = 0;
    const redirecting = await clientOf((_req, res) => {
      visits += 1;
      res.writeHead(307, { location: '/elsewhere' }).end();
    });
    const error = await failure(redirecting.get('flk_x'), FlowplateApiError);
    expect(error).toMatchObject({ code: 'UNEXPECTED_ANSWER', status: 307 });
    expect(visits).toBe(1);
  });

  test('no answer in time is a timeout, and no connection a fault of the network', async () => {
    const silent = await clientOf(() => {}, { timeoutMs: 100 });
    const late = await failure(silent.get('flk_x'), FlowplateUnreachableError);
    expect(late.reason).toBe('timeout');
    const nowhere = new FlowplateClient({ baseUrl: 'http://127.0.0.1:1', masterKey: 'x', retriesMax: 0 });
    const unreached = await failure(nowhere.get('flk_x'), FlowplateUnreachableError);
    expect(unreached.reason).toBe('network');
  });

  test('an answer that begins and does not end is a timeout as well', async () => {
    const stalling = await clientOf(
      (_req, res) => void res.writeHead(200, { 'content-length': '100' }).write('{'),
      { timeoutMs: 200 },
    );
    expect((await failure(stalling.get('flk_x'), FlowplateUnreachableError)).reason).toBe('timeout');
  });

  test("the caller's own signal ends a call with the caller's own reason", async () => {
    const silent = await clientOf(() => {}, { retriesMax: 3 });
    const controller = new AbortController();
    const reason = new Error('enough');
    const call = silent.get('flk_x', { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 50);
    await expect(call).rejects.toBe(reason);
    await expect(silent.get('flk_x', { signal: controller.signal })).rejects.toBe(reason);
  });
});

describe('a number that JSON cannot say', () => {
  test.each([Number.NaN, Infinity, -Infinity])('%s is an error, and nothing is sent', async (number) => {
    const owner = newOwner();
    const refused = client.mint({ ...owner, metadata: { plan: { seats: [1, number] } } });
    expect((await failure(refused, RangeError)).message).toBe(
      `JSON has no such number as ${number}, which stands at "1"`,
    );
    expect((await client.listPage({ user_id: owner.user_id })).data).toEqual([]);
  });
});

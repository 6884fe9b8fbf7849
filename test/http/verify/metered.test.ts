import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newSecret } from '../../../src/domain/key-format.ts';
import { endAll } from '../../support/at-end.ts';
import type { TestBroker } from '../../support/broker.ts';
import { eventually } from '../../support/eventually.ts';
import { keysPath, type Minted, mint, revoke } from '../../support/keys.ts';
import { startOwnBroker } from '../../support/own-broker.ts';
import type { OwnPostgres, OwnServer } from '../../support/own-stores.ts';

let postgres: OwnPostgres;
let redis: OwnServer<{ url: string }>;
let broker: TestBroker;
let client: Minted;

beforeAll(async () => {
  ({ postgres, redis, broker } = await startOwnBroker({ LEASE_MS: '3000' }));
  client = await mint(broker);
});

afterAll(async () => {
  await broker.close();
  await endAll();
});

type Counted = Record<string, number>;

/** Lines of `/metrics` by `endpoint outcome`, or `endpoint result` of the latencies. */
async function read(name: string): Promise<Counted> {
  const text = await broker.metrics.registry.metrics();
  const lines = text.matchAll(
    new RegExp(`^${name}\\{endpoint="(\\w+)",(?:outcome|result)="(\\w+)"\\} (\\d+)$`, 'gm'),
  );
  return Object.fromEntries(
    [...lines].map(([, endpoint, ending, count]) => [`${endpoint} ${ending}`, Number(count)]),
  );
}

/** The counters that grew while `act` ran. */
async function grownBy(act: () => Promise<unknown>): Promise<{ outcomes: Counted; requests: Counted }> {
  const names = ['flowplate_verifications_total', 'flowplate_verification_seconds_count'];
  const before = await Promise.all(names.map(read));
  await act();
  const [outcomes = {}, requests = {}] = (await Promise.all(names.map(read))).map((after, at) =>
    Object.fromEntries(
      Object.entries(after)
        .map(([label, count]) => [label, count - (before[at]?.[label] ?? 0)] as const)
        .filter(([, growth]) => growth !== 0),
    ),
  );
  return { outcomes, requests };
}

const json = (body: unknown, as?: string | null) => ({ body, ...(as !== undefined && { as }) });
const form = (token: string, as?: string | null) => ({
  body: new URLSearchParams({ token }).toString(),
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  ...(as !== undefined && { as }),
});
const authz = (headers: Record<string, string>, as?: string | null) =>
  broker.call('GET /v1/flowplate/authz', { headers, ...(as !== undefined && { as }) });

/** The same request at each endpoint, by a gateway. */
const asks: Record<string, (as?: string | null) => Promise<unknown>> = {
  verify: (as) => broker.call(`POST ${keysPath}/verify`, json({ key: client.key }, as)),
  batch: (as) => broker.call(`POST ${keysPath}/verify/batch`, json({ keys: [{ key: client.key }] }, as)),
  authz: (as) => authz({ 'x-api-key': client.key }, as),
  introspect: (as) => broker.call('POST /v1/flowplate/introspect', form(client.key, as)),
};
const endpoints = Object.keys(asks);

test.each(endpoints)(
  '%s: a verdict, an unknown gateway and one without permission are counted and timed',
  async (endpoint) => {
    const ask = asks[endpoint] as (typeof asks)[string];
    const { secret } = await broker.createMasterKey({ permissions: ['keys:read'] });
    expect(await grownBy(() => ask())).toEqual({
      outcomes: { [`${endpoint} valid`]: 1 },
      requests: { [`${endpoint} decided`]: 1 },
    });
    const unknown = newSecret('master', 'test', randomBytes);
    expect(await grownBy(async () => [await ask(null), await ask(unknown), await ask(secret)])).toEqual({
      outcomes: { [`${endpoint} unknown_gateway`]: 2, [`${endpoint} forbidden_gateway`]: 1 },
      requests: { [`${endpoint} rejected`]: 3 },
    });
  },
);

test('forward auth without a credential and with two different ones', async () => {
  const other = await mint(broker);
  const grown = await grownBy(async () => [
    await authz({}),
    await authz({ 'x-api-key': client.key, authorization: `Bearer ${other.key}` }),
  ]);
  expect(grown.outcomes).toEqual({ 'authz no_credentials': 1, 'authz ambiguous': 1 });
});

test('refusals by their code, each key of a batch, and bodies that cannot be read', async () => {
  const revoked = await mint(broker);
  await revoke(broker, revoked.key_id);
  const keys = [{ key: client.key }, { key: revoked.key }, { key: 'x' }];
  expect(await grownBy(() => broker.call(`POST ${keysPath}/verify/batch`, json({ keys })))).toEqual({
    outcomes: { 'batch valid': 1, 'batch revoked': 1, 'batch malformed': 1 },
    requests: { 'batch decided': 1 },
  });
  const { outcomes } = await grownBy(async () => [
    await broker.call(`POST ${keysPath}/verify`, json('{')),
    await broker.call(`POST ${keysPath}/verify`, json({ key: client.key, unknown: 1 })),
    await broker.call(`POST ${keysPath}/verify`, {
      ...json({ key: revoked.key }),
      headers: { 'content-type': 'application/json; charset=UTF-8' },
    }),
  ]);
  expect(outcomes).toEqual({ 'verify invalid_request': 2, 'verify revoked': 1 });
});

test('the buckets of a histogram add up', async () => {
  const text = await broker.metrics.registry.metrics();
  const series = 'endpoint="verify",result="decided"';
  const buckets = [...text.matchAll(new RegExp(`_bucket\\{${series},le="([^"]+)"\\} (\\d+)`, 'g'))];
  const counts = buckets.map(([, , count]) => Number(count));
  expect(counts).toEqual([...counts].sort((left, right) => left - right));
  expect(buckets.at(-1)?.[1]).toBe('+Inf');
  expect(counts.at(-1)).toBe((await read('flowplate_verification_seconds_count'))['verify decided']);
  const sum = Number(new RegExp(`_sum\\{${series}\\} (\\S+)`).exec(text)?.[1]);
  expect(sum).toBeGreaterThan(0);
  expect(sum).toBeLessThan(60);
});

test('without Postgres and a lease each endpoint counts what it could not decide', async () => {
  await Promise.all([redis.kill(), postgres.kill()]);
  await eventually(
    10_000,
    () => broker.api.parts.isLeaseHeld(),
    (isHeld) => !isHeld,
  );
  const grown = await grownBy(async () => {
    for (const ask of Object.values(asks)) await ask();
  });
  expect(grown.outcomes).toEqual(
    Object.fromEntries(endpoints.map((endpoint) => [`${endpoint} undecided`, 1])),
  );
  expect(grown.requests).toEqual(
    Object.fromEntries(endpoints.map((endpoint) => [`${endpoint} undecided`, 1])),
  );
  const logged = broker.logLines.filter((line) => line.includes('"route":"/v1/flowplate/authz"'));
  expect(logged.map((line) => JSON.parse(line))).toMatchObject([
    { msg: 'request', status: 503, request_id: expect.stringMatching(/^req_/) },
  ]);
});

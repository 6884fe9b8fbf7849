import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seal } from '../../support/audit-chain.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import { mint, revoke } from '../../support/keys.ts';
import { organization, platformKey } from '../../support/platform-callers.ts';

const path = '/api/v1/platform/events';

let broker: TestBroker;
let viewer: Awaited<ReturnType<typeof platformKey>>;
beforeAll(async () => {
  broker = await startBroker();
  viewer = await platformKey(broker, ['role_platform_viewer']);
});
afterAll(() => broker.close());

const pull = (query = '', headers: Record<string, string> = viewer.headers) =>
  broker.call(`GET ${path}?${query}`, { as: null, headers });
const sealAll = () => seal(broker.db, broker.config.FLOWPLATE_PEPPERS);
const latest = async (): Promise<string> => {
  await sealAll();
  return (await pull('after=latest')).body.next_cursor;
};
/** Waits of the process, as its metric tells. */
const waits = () => broker.api.parts.eventWaits.occupancy().running;
const untilWaiting = (count: number) => expect.poll(waits, { interval: 10 }).toBe(count);

test('401 without an operator, 403 without platform:events:read', async () => {
  expectError(await broker.call(`GET ${path}`), 401, 'AUTHENTICATION_REQUIRED');
  const nobody = await platformKey(broker, []);
  const details = expectError(await pull('', nobody.headers), 403, 'INSUFFICIENT_PERMISSIONS');
  expect(details).toEqual({ required_permission: 'platform:events:read' });
});

test('422: a cursor, a type, a limit and a wait that it does not know', async () => {
  expectViolations(await pull('after=MQ'), 'after');
  expectViolations(await pull('types=key.minted,key.invented'), 'types');
  expectViolations(await pull('limit=1001'), 'limit');
  expectViolations(await pull('wait_seconds=31'), 'wait_seconds');
});

test('a change is in the feed once it is sealed, oldest first, and a page leads to the next', async () => {
  const start = await latest();
  const { key_id } = await mint(broker, { organization_id: 'org_feed' });
  await revoke(broker, key_id);
  expect((await pull(`after=${start}`)).body).toEqual({ data: [], next_cursor: start });
  await sealAll();
  const types = 'types=key.minted,key.revoked&organization_id=org_feed';
  const first = (await pull(`after=${start}&${types}&limit=1`)).body;
  const second = (await pull(`after=${first.next_cursor}&${types}&limit=1`)).body;
  expect([...first.data, ...second.data]).toMatchObject([
    {
      type: 'key.minted',
      data: { target_id: key_id, organization_id: 'org_feed', actor: { kind: 'master_key' } },
    },
    { type: 'key.revoked', data: { target_id: key_id, details: { reason: 'unspecified' } } },
  ]);
  expect((await pull(`after=${start}&${types}&limit=1`)).body).toEqual(first);
  expect((await pull(`after=${second.next_cursor}&${types}`)).body.data).toEqual([]);
});

test('with Accept: application/x-ndjson each event is a line, and Link leads on', async () => {
  const answer = await fetch(`${broker.url}${path}?types=key.minted&limit=1`, {
    headers: { ...viewer.headers, accept: 'application/x-ndjson' },
  });
  expect(answer.headers.get('content-type')).toBe('application/x-ndjson');
  const [line, end] = (await answer.text()).split('\n');
  expect([JSON.parse(line ?? '').type, end]).toEqual(['key.minted', '']);
  const next = /^<([^>]+)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1] ?? '';
  const expected = (await pull('types=key.minted&limit=1')).body.next_cursor;
  expect(new URL(next, broker.url).searchParams.get('after')).toBe(expected);
});

test('inside an organization an operator sees the events of that organization only', async () => {
  await organization(broker, 'org_inside');
  await mint(broker, { organization_id: 'org_outside' });
  await mint(broker, { organization_id: 'org_inside' });
  await sealAll();
  const inside = { ...viewer.headers, 'x-flowplate-org': 'org_inside', 'x-flowplate-reason': 'a test' };
  const { data } = (await pull('limit=1000', inside)).body;
  const seen = new Set(
    data.map((event: { data: { organization_id: string } }) => event.data.organization_id),
  );
  expect([...seen]).toEqual(['org_inside']);
  expectError(await pull('organization_id=org_outside', inside), 404, 'ORGANIZATION_NOT_FOUND');
});

describe('a long poll', () => {
  test('answers when an event of its types is sealed, and passes others', async () => {
    const start = await latest();
    const poll = pull(`after=${start}&types=key.revoked&wait_seconds=30`);
    await untilWaiting(1);
    const { key_id } = await mint(broker, { user_id: 'u_poll' });
    await sealAll();
    await revoke(broker, key_id);
    await sealAll();
    const { data } = (await poll).body;
    expect(data).toMatchObject([{ type: 'key.revoked', data: { target_id: key_id } }]);
  });

  test('answers without an event when its time is over, with a cursor to go on from', async () => {
    const start = await latest();
    expect((await pull(`after=${start}&wait_seconds=1`)).body).toEqual({ data: [], next_cursor: start });
  });

  test('is refused beyond 64 at once, and 401 when its caller lost the key meanwhile', async () => {
    const start = await latest();
    const short = await platformKey(broker, ['role_platform_viewer']);
    const waiting = Array.from({ length: 64 }, () => pull(`after=${start}&wait_seconds=30`, short.headers));
    await untilWaiting(64);
    expectError(await pull(`after=${start}&wait_seconds=30`), 503, 'OVERLOADED');
    expect((await pull(`after=${start}`)).status).toBe(200);
    const root = await platformKey(broker);
    const revoked = await broker.call(`POST /api/v1/apikeys/${short.id}/revoke`, {
      as: null,
      headers: root.headers,
    });
    expect(revoked.status).toBe(200);
    await sealAll();
    const codes = new Set((await Promise.all(waiting)).map(({ status }) => status));
    // All ask at once whether their caller still has its rights: a busy machine cannot tell some.
    codes.delete(503);
    expect([...codes]).toEqual([401]);
  });

  test('ends when its process drains', async () => {
    const replica = await broker.replica();
    const start = await latest();
    const poll = replica.call(`GET ${path}?after=${start}&wait_seconds=30`, {
      as: null,
      headers: viewer.headers,
    });
    await expect.poll(() => replica.api.parts.eventWaits.occupancy().running, { interval: 10 }).toBe(1);
    replica.drain();
    expect((await poll).body).toEqual({ data: [], next_cursor: start });
    await replica.close();
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seal, tamper, writeEvents } from '../../support/audit-chain.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import { platformKey } from '../../support/platform-callers.ts';

const path = '/api/v1/platform/audit/verify';
const hash = 'a'.repeat(64);

let broker: TestBroker;
let viewer: Awaited<ReturnType<typeof platformKey>>;
beforeAll(async () => {
  broker = await startBroker();
  viewer = await platformKey(broker, ['role_platform_viewer']);
});
afterAll(() => broker.close());

const verify = (query = '', headers = viewer.headers) =>
  broker.call(`GET ${path}${query}`, { as: null, headers });

test('401, 403: refused like the list', async () => {
  expectError(await broker.call(`GET ${path}`, { as: null }), 401, 'AUTHENTICATION_REQUIRED');
  const nobody = await platformKey(broker, []);
  expectError(await verify('', nobody.headers), 403, 'INSUFFICIENT_PERMISSIONS');
});

describe('422', () => {
  test.each([
    ['from_seq', '?from_seq=0'],
    ['from_seq', '?from_seq=1.5'],
    ['limit', '?limit=-1'],
    ['hash', '?seq=1'],
    ['hash', `?hash=${hash}`],
    ['hash', '?seq=1&hash=abc'],
    ['seq', `?seq=3&hash=${hash}&from_seq=5`],
  ])('%s: %s', async (at, query) => {
    expectViolations(await verify(query), at);
  });
});

test('200: what was sealed is proved, what waits is counted, and a head leads on', async () => {
  const waiting = (await verify()).body;
  expect(waiting).toMatchObject({ valid: true, sealed_through: 0, head: null });
  expect(waiting.unsealed).toBeGreaterThan(0);
  await writeEvents(broker.db, 5);
  const { heads } = await seal(broker.db, broker.config.FLOWPLATE_PEPPERS);
  const { body } = await verify();
  const newest = { seq: heads[0]?.seq, hash: heads[0]?.hash.toString('hex'), pepper_id: 'p1' };
  expect(body).toEqual({
    valid: true,
    sealed_through: newest.seq,
    verified_through: newest.seq,
    events: newest.seq,
    unsealed: 0,
    first_fault: null,
    head: { ...newest, sealed_at: heads[0]?.sealedAt.toISOString() },
  });

  await writeEvents(broker.db, 3);
  await seal(broker.db, broker.config.FLOWPLATE_PEPPERS);
  const next = `?from_seq=${body.head.seq + 1}&seq=${body.head.seq}&hash=${body.head.hash}`;
  expect((await verify(next)).body).toMatchObject({ valid: true, events: 3 });
  const other = `?seq=${body.head.seq}&hash=${hash}`;
  expect((await verify(other)).body).toMatchObject({
    valid: false,
    first_fault: { seq: body.head.seq, kind: 'anchor_mismatch' },
  });
});

test('200: a tampered log is a result, and no error', async () => {
  await tamper(broker.config.DATABASE_URL, `UPDATE audit_events SET actor_id = 'nobody'`);
  const { status, body } = await verify();
  expect(status).toBe(200);
  expect(body).toMatchObject({ valid: false, events: 0, first_fault: { seq: 1, kind: 'changed' } });
  expect(body.first_fault.event_id).toMatch(/^evt_/);
});

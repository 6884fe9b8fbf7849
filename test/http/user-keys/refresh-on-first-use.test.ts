import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { embed, warm } from '../../sdk/embedded.ts';
import { endAll } from '../../support/at-end.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import { eventually } from '../../support/eventually.ts';
import {
  codesOf,
  getKey,
  keysPath,
  type Minted,
  mint,
  newOwner,
  refresh,
  refreshed,
  revoke,
  update,
  verify,
} from '../../support/keys.ts';
import { dayMs, secondMs, walkClock } from '../../support/walk-clock.ts';

const onFirstUse = { activate: 'on_first_use' };

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(async () => {
  await endAll();
  await broker.close();
});

const stateOf = async ({ key_id }: Minted) => (await getKey(broker, key_id)).body;

async function waitingAfter(body: object = {}, asked: object = {}): Promise<[old: Minted, next: Minted]> {
  const old = await mint(broker, body);
  return [old, await refreshed(broker, old, { ...onFirstUse, ...asked })];
}

describe('422', () => {
  test('a grace shorter than the longest lease is refused, and so is another word', async () => {
    const short = { ...onFirstUse, grace_period_seconds: 119 };
    expectViolations(await refresh(broker, newOwner(), short), 'grace_period_seconds');
    expectViolations(await refresh(broker, newOwner(), { activate: 'later' }), 'activate');
  });
});

describe('200', () => {
  test('the old key works on as it is, and the first yes to the new one begins its grace', async () => {
    const old = await mint(broker);
    const answer = await refresh(broker, old, { ...onFirstUse, grace_period_seconds: 600 });
    const next: Minted = answer.body.new_key;
    expect(answer.body.waiting).toMatchObject({ previous_key_id: old.key_id, grace_period_seconds: 600 });
    expect(await verify(broker, old.key)).toMatchObject({
      code: 'VALID',
      expires_at: answer.body.waiting.previous_until,
    });
    expect(await stateOf(next)).toMatchObject({ status: 'waiting', activated_at: null });

    const before = Date.now();
    expect(await verify(broker, next.key)).toMatchObject({ code: 'VALID', key_id: next.key_id });
    const superseded = await verify(broker, old.key);
    expect(superseded).toMatchObject({ code: 'SUPERSEDED', superseded_by: next.key_id });
    // By the server's clock at its earliest: on a busy machine some milliseconds before ours.
    expect(Date.parse(superseded.superseded_until)).toBeGreaterThan(before + 600_000 - 5_000);
    const { activated_at, status } = await stateOf(next);
    expect(status).toBe('active');
    expect(superseded.superseded_at).toBe(activated_at);
    expect(Date.parse(superseded.superseded_until)).toBe(Date.parse(activated_at) + 600_000);
    expect(await auditEventsOf(broker, { targetId: next.key_id })).toMatchObject([
      { event_type: 'key.refreshed', details: { activate: 'on_first_use', previous_key_id: old.key_id } },
      {
        event_type: 'key.activated',
        actor_kind: 'system',
        details: {
          previous_key_id: old.key_id,
          grace_period_seconds: 600,
          master_key_id: expect.any(String),
        },
      },
    ]);
  });

  test('a use that is refused begins no grace', async () => {
    const [old, next] = await waitingAfter({
      scopes: ['read'],
      rate_limit: { limit: 1, window_seconds: 3_600 },
    });
    expect(await verify(broker, next.key, { scopes: ['write'] })).toMatchObject({
      code: 'INSUFFICIENT_SCOPE',
    });
    expect(await verify(broker, old.key)).toMatchObject({ code: 'VALID' });
    expect(await verify(broker, next.key)).toMatchObject({ code: 'RATE_LIMITED' });
    expect(await stateOf(next)).toMatchObject({ status: 'waiting' });
  });

  test('explaining a waiting key is no use of it', async () => {
    const [, next] = await waitingAfter();
    const explained = await broker.call(`POST ${keysPath}/${next.key_id}/explain`, { body: {} });
    expect(explained.body).toMatchObject({ valid: true, code: 'VALID' });
    expect(await verify(broker, next.key, { explain: true })).toMatchObject({ code: 'VALID' });
    expect(await stateOf(next)).toMatchObject({ status: 'waiting' });
  });

  test('of many first uses at once all are accepted, and one is the first', async () => {
    const [old, next] = await waitingAfter();
    const codes = await codesOf(
      broker,
      Array.from({ length: 20 }, () => next),
    );
    expect(new Set(codes)).toEqual(new Set(['VALID']));
    const events = await auditEventsOf(broker, { targetId: next.key_id });
    expect(events.filter(({ event_type }) => event_type === 'key.activated')).toHaveLength(1);
    const rows = await broker.db
      .selectFrom('api_keys')
      .select(['id', 'status'])
      .where('user_id', '=', old.user_id)
      .orderBy('id')
      .execute();
    expect(rows).toEqual([
      { id: old.key_id, status: 'superseded' },
      { id: next.key_id, status: 'active' },
    ]);
  });

  test('another refresh takes the place of the key that waits, and the old key ends no later for it', async () => {
    const [old, first] = await waitingAfter({}, { ttl_seconds: 3_600 });
    const { expires_at: end } = await stateOf(old);
    const second = await refreshed(broker, old, onFirstUse);
    expect(second.expires_at).toBe(first.expires_at);
    expect(await codesOf(broker, [first, old])).toEqual(['NOT_FOUND', 'VALID']);
    expect((await stateOf(old)).expires_at).toBe(end);
    const third = await refreshed(broker, old);
    expect(await codesOf(broker, [old, first, second, third])).toEqual([
      'REVOKED',
      'NOT_FOUND',
      'NOT_FOUND',
      'VALID',
    ]);
  });

  test('the old key ends after 30 days, or at its own end before that, and the new one can be used then', async () => {
    const [old] = await waitingAfter();
    const end = Date.parse((await stateOf(old)).expires_at);
    expect(Math.abs(end - Date.now() - 30 * dayMs)).toBeLessThan(60_000);
    const [short, next] = await waitingAfter({ ttl_seconds: 60 }, { ttl_seconds: 7_200 });
    walkClock(broker, 60 * secondMs);
    expect(await codesOf(broker, [short, next])).toEqual(['EXPIRED', 'VALID']);
    expect(await stateOf(short)).toMatchObject({ status: 'revoked' });
  });

  test('settings that change while a key waits count for it too', async () => {
    const [old, next] = await waitingAfter({ scopes: ['read'] });
    const { expires_at: end } = await stateOf(old);
    const later = new Date(Date.now() + 90 * dayMs).toISOString();
    const { status } = await update(broker, old.key_id, { scopes: ['write'], expires_at: later });
    expect(status).toBe(200);
    expect((await stateOf(old)).expires_at).toBe(end);
    expect(await verify(broker, next.key, { scopes: ['read'] })).toMatchObject({
      code: 'INSUFFICIENT_SCOPE',
    });
    expect(await verify(broker, next.key)).toMatchObject({ scopes: ['write'], expires_at: later });
    const [, other] = await waitingAfter();
    expectError(await update(broker, other.key_id, { name: 'x' }), 409, 'KEY_NOT_ACTIVE');
  });

  test('a repeated request is answered again with the same waiting key', async () => {
    const old = await mint(broker);
    const headers = { 'Idempotency-Key': 'first-use' };
    const [one, two] = [
      await refresh(broker, old, onFirstUse, { headers }),
      await refresh(broker, old, onFirstUse, { headers }),
    ];
    expect(two.body.new_key).toEqual(one.body.new_key);
    expect(two.body.waiting).toEqual(one.body.waiting);
  });
});

describe('an end of the line ends both', () => {
  test.each<[string, (old: Minted, next: Minted) => Promise<unknown>]>([
    ['a revoke of the old key', (old) => revoke(broker, old.key_id)],
    ['a revoke of the waiting key', (_old, next) => revoke(broker, next.key_id)],
    [
      'a revoke of the owner',
      (old) => broker.call(`DELETE ${keysPath}/${old.user_id}/${old.organization_id}`),
    ],
  ])('%s', async (_name, end) => {
    const [old, next] = await waitingAfter();
    await end(old, next);
    expect(await codesOf(broker, [old, next])).toEqual(['REVOKED', 'NOT_FOUND']);
  });

  test.each(['living', 'tidied'])(
    'a %s stop of all that the master key issued ends what waits, and not the old key',
    async (state) => {
      const { id, secret: as } = await broker.createMasterKey();
      const old = await mint(broker);
      const { body } = await refresh(broker, old, onFirstUse, { as });
      const order = { action: 'revoke', filter: { minted_by: id } };
      const { confirm_token } = (await bulk({ ...order, dry_run: true })).body;
      expect((await bulk({ ...order, confirm_token })).body).toMatchObject({ success: true });
      if (state === 'tidied') {
        await broker.db
          .updateTable('key_stops')
          .set({ tidied_at: new Date() })
          .where('subject', '=', id)
          .execute();
      }
      expect(await codesOf(broker, [old, body.new_key])).toEqual(['VALID', 'NOT_FOUND']);
      const again = await refreshed(broker, old, onFirstUse);
      expect(await codesOf(broker, [again])).toEqual(['VALID']);
    },
  );
});

const bulk = (body: object) => broker.call(`POST ${keysPath}/bulk`, { body });

describe('gateways', () => {
  test('an embedded verifier asks the broker for the first use, and nothing is accepted from memory before', async () => {
    const verifier = await embed(broker);
    const [old, next] = await waitingAfter();
    expect(await warm(verifier, old.key)).toBe('VALID');
    expect(verifier.verifyNow({ key: next.key })).toBeUndefined();
    expect(await verifier.verify({ key: next.key, scopes: ['none'] })).toMatchObject({
      code: 'INSUFFICIENT_SCOPE',
    });
    expect(await stateOf(next)).toMatchObject({ status: 'waiting' });
    expect(await verifier.verify({ key: next.key })).toMatchObject({ code: 'VALID' });
    expect(await stateOf(next)).toMatchObject({ status: 'active' });
    expect(await warm(verifier, next.key)).toBe('VALID');
    const superseded = await eventually(
      5_000,
      () => verifier.verify({ key: old.key }),
      (verdict) => verdict.code === 'SUPERSEDED',
    );
    expect(superseded).toMatchObject({ superseded_by: next.key_id });
  });

  test('forward auth announces the end of the old key once its grace has begun', async () => {
    const [old, next] = await waitingAfter();
    const authorize = ({ key }: Minted) =>
      broker.call('GET /v1/flowplate/authz', { headers: { 'x-api-key': key } });
    expect((await authorize(old)).headers.get('deprecation')).toBeNull();
    expect((await authorize(next)).status).toBe(200);
    const { headers } = await authorize(old);
    const { activated_at } = await stateOf(next);
    expect(headers.get('deprecation')).toBe(`@${Math.floor(Date.parse(activated_at) / 1_000)}`);
    expect(headers.get('sunset')).toBe(new Date(Date.parse(activated_at) + 3_600_000).toUTCString());
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { idFloor } from '../../../src/domain/ids.ts';
import { runBulkOrders } from '../../../src/usecases/user-keys/run-bulk-orders.ts';
import { testAccess } from '../../support/access.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import type { Answer } from '../../support/call.ts';
import { bytesOf, expectError, expectViolations } from '../../support/errors.ts';
import {
  codesOf,
  getKey,
  keysPath,
  type Minted,
  mint,
  newOwner,
  refreshed,
  revoke,
  update,
  verify,
} from '../../support/keys.ts';
import { platformKey } from '../../support/platform-callers.ts';
import { query } from '../../support/query.ts';
import { walkClock } from '../../support/walk-clock.ts';

const path = `${keysPath}/bulk`;
const platformPath = '/api/v1/platform/hidden-keys/bulk';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

type Order = { action: string; filter: object; reason?: string };

const send = (body: object, as?: string): Promise<Answer> =>
  broker.call(`POST ${path}`, { body, ...(as !== undefined && { as }) });

async function preview(order: Order, as?: string): Promise<Answer['body']> {
  const answer = await send({ ...order, dry_run: true }, as);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
}

async function confirmed(order: Order, as?: string): Promise<Answer> {
  const { confirm_token } = await preview(order, as);
  return send({ ...order, confirm_token }, as);
}

/** Keys of one organization. */
async function mintInto(organization_id: string, count: number, body: object = {}): Promise<Minted[]> {
  return Promise.all(Array.from({ length: count }, () => mint(broker, { organization_id, ...body })));
}

/** Rows of keys without secrets, for orders about more than one call changes. */
async function fill(organizationId: string, count: number, mintedBy: string | null = null): Promise<void> {
  const ids = Array.from(
    { length: count },
    (_, index) => `${idFloor('key', new Date(Date.now() - index))}1${String(index).padStart(12, '0')}`,
  );
  await query(
    broker.config.DATABASE_URL,
    `INSERT INTO api_keys (id, lineage_id, pepper_id, digest, key_prefix, user_id, organization_id, environment, metadata,
       scopes, minted_by, created_at, updated_at)
     SELECT id, id, 'p1', convert_to(id || $2, 'UTF8'), 'fl_user_test_x', 'usr_' || n || $2, $2, 'test', '{}', '{}', $3, now(), now()
     FROM unnest($1::text[]) WITH ORDINALITY AS given (id, n)`,
    [ids, organizationId, mintedBy],
  );
}

const job = (id: string, as?: string) =>
  broker.call(`GET /v1/flowplate/jobs/${id}`, { ...(as !== undefined && { as }) });

const living = async (organizationId: string) => {
  const [row] = await query(
    broker.config.DATABASE_URL,
    `SELECT count(*)::integer AS keys FROM api_keys WHERE organization_id = $1 AND status = 'active'`,
    [organizationId],
  );
  return Number(row?.keys);
};

testAccess(() => broker, `POST ${path}`, 'keys:bulk');

describe('422', () => {
  test.each([
    ['action', { action: 'delete', filter: { user_id: 'usr_1' }, dry_run: true }],
    ['filter', { action: 'revoke', filter: {}, dry_run: true }],
    ['filter', { action: 'revoke', dry_run: true }],
    ['filter', { action: 'revoke', filter: { userid: 'usr_1' }, dry_run: true }],
    ['filter.never_used', { action: 'revoke', filter: { never_used: 'true' }, dry_run: true }],
    ['filter.unused_since', { action: 'revoke', filter: { unused_since: '90d' }, dry_run: true }],
    ['reason', { action: 'revoke', filter: { user_id: 'usr_1' }, reason: 'leaked', dry_run: true }],
    ['dry_run', { action: 'revoke', filter: { user_id: 'usr_1' }, dry_run: false }],
    ['confirm_token', { action: 'revoke', filter: { user_id: 'usr_1' } }],
    ['confirm_token', { action: 'revoke', filter: { user_id: 'usr_1' }, dry_run: true, confirm_token: 'x' }],
  ])('%s is refused in %j', async (blamed, body) => {
    expectViolations(await send(body), blamed);
  });
});

describe('the token', () => {
  const setUp = async () => {
    const { organization_id } = newOwner();
    const [key] = await mintInto(organization_id, 1);
    const order = { action: 'revoke', filter: { organization_id } };
    return { key: key as Minted, order, token: (await preview(order)).confirm_token as string };
  };

  test('of another order, another caller, a forged and an expired one end nothing', async () => {
    const { key, order, token } = await setUp();
    const { secret } = await broker.createMasterKey();
    const { organization_id } = newOwner();
    await mintInto(organization_id, 1);
    const forged = `${token.slice(0, 10)}${token[10] === 'A' ? 'B' : 'A'}${token.slice(11)}`;
    for (const refused of [
      await send({ ...order, confirm_token: forged }),
      await send({ ...order, confirm_token: 'x' }),
      await send({ ...order, action: 'disable', confirm_token: token }),
      await send({ ...order, filter: { organization_id }, confirm_token: token }),
      await send({ ...order, filter: { ...order.filter, never_used: true }, confirm_token: token }),
      await send({ ...order, confirm_token: token }, secret),
    ]) {
      expectViolations(refused, 'confirm_token');
    }
    expect((await verify(broker, key.key)).code).toBe('VALID');
    walkClock(broker, 10 * 60_000);
    expectViolations(await send({ ...order, confirm_token: token }), 'confirm_token');
    walkClock(broker, 0);
    expect((await getKey(broker, key.key_id)).body.status).toBe('active');
  });

  test('409 when a key came in by a mint, and the new count is told', async () => {
    const { key, order, token } = await setUp();
    const [more] = await mintInto(key.organization_id, 1);
    const details = expectError(await send({ ...order, confirm_token: token }), 409, 'SELECTION_CHANGED');
    expect(details).toEqual({ count: 2, previewed_count: 1 });
    expect(await codesOf(broker, [key, more as Minted])).toEqual(['VALID', 'VALID']);
  });

  test('409 when one key came in for another that left', async () => {
    const { organization_id } = newOwner();
    const [on, off] = (await mintInto(organization_id, 2)) as [Minted, Minted];
    await update(broker, off.key_id, { enabled: false });
    const order = { action: 'disable', filter: { organization_id } };
    const { count, confirm_token } = await preview(order);
    await update(broker, on.key_id, { enabled: false });
    await update(broker, off.key_id, { enabled: true });
    const details = expectError(await send({ ...order, confirm_token }), 409, 'SELECTION_CHANGED');
    expect([count, details]).toEqual([1, { count: 1, previewed_count: 1 }]);
  });

  test('fewer keys than in the preview are fine', async () => {
    const { organization_id } = newOwner();
    const [one, other] = (await mintInto(organization_id, 2)) as [Minted, Minted];
    const order = { action: 'revoke', filter: { organization_id } };
    const { confirm_token } = await preview(order);
    await revoke(broker, one.key_id);
    const answer = await send({ ...order, confirm_token });
    expect(answer).toMatchObject({ status: 200, body: { affected_count: 1 } });
    expect((await verify(broker, other.key)).code).toBe('REVOKED');
  });
});

describe('up to 500 keys', () => {
  test('a preview counts and shows them, and changes nothing', async () => {
    const { organization_id } = newOwner();
    const keys = await mintInto(organization_id, 22);
    await revoke(broker, keys[0]?.key_id ?? '');
    const shown = await preview({ action: 'revoke', filter: { organization_id } });
    expect(shown).toMatchObject({ count: 21, expires_at: expect.any(String) });
    expect(shown.sample).toHaveLength(20);
    expect(JSON.stringify(shown)).not.toContain(keys[1]?.key);
    expect(await living(organization_id)).toBe(21);
  });

  test('a revoke is refused everywhere when it is answered, with one event for the order and one for each key', async () => {
    const { organization_id } = newOwner();
    const keys = await mintInto(organization_id, 3, { scopes: ['bulk'] });
    const [other] = await mintInto(organization_id, 1);
    const order = { action: 'revoke', filter: { organization_id, scope: 'bulk' }, reason: 'policy' };
    const answer = await confirmed(order);
    expect(await codesOf(broker, keys)).toEqual(['REVOKED', 'REVOKED', 'REVOKED']);
    expect((await verify(broker, other?.key ?? '')).code).toBe('VALID');
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ success: true, affected_count: 3, propagation: 'complete' });
    expect(answer.body.job_id).toBeUndefined();
    const events = await auditEventsOf(broker, { organizationId: organization_id });
    const ordered = events.filter(({ event_type }) => event_type === 'keys.bulk_ordered');
    expect(ordered).toMatchObject([
      { details: { action: 'revoke', filter: order.filter, reason: 'policy', count: 3 } },
    ]);
    const revoked = events.filter(({ event_type }) => event_type === 'key.revoked');
    const details = { reason: 'policy', order_id: ordered[0]?.target_id };
    expect(revoked).toMatchObject(keys.map(() => ({ details })));
    expect((await getKey(broker, keys[0]?.key_id ?? '')).body.revoked_reason).toBe('policy');
  });

  test('disable and enable switch keys, and leave a trace', async () => {
    const { organization_id } = newOwner();
    const keys = await mintInto(organization_id, 2);
    const filter = { organization_id };
    expect((await confirmed({ action: 'disable', filter })).body.affected_count).toBe(2);
    expect(await codesOf(broker, keys)).toEqual(['DISABLED', 'DISABLED']);
    expect((await preview({ action: 'disable', filter })).count).toBe(0);
    expect((await confirmed({ action: 'enable', filter })).body.affected_count).toBe(2);
    expect(await codesOf(broker, keys)).toEqual(['VALID', 'VALID']);
    const events = await auditEventsOf(broker, { targetId: keys[0]?.key_id ?? '' });
    expect(events.slice(1)).toMatchObject([
      { event_type: 'key.updated', details: { changed: ['enabled'], enabled: false } },
      { event_type: 'key.updated', details: { changed: ['enabled'], enabled: true } },
    ]);
  });

  test('predecessors in grace go with their active key, whatever the filter', async () => {
    const { organization_id, user_id } = newOwner();
    const old = await mint(broker, { organization_id, user_id });
    const successor = await refreshed(broker, old, { grace_period_seconds: 600 });
    const filter = { organization_id, created_after: successor.created_at };
    expect((await confirmed({ action: 'disable', filter })).body.affected_count).toBe(2);
    expect(await codesOf(broker, [old, successor])).toEqual(['DISABLED', 'DISABLED']);
  });

  test('keys outside of the allow-lists are neither counted nor changed', async () => {
    const { user_id } = newOwner();
    const mine = await mint(broker, { user_id });
    const other = await mint(broker, { user_id });
    const { secret } = await broker.createMasterKey({ organizationIds: [mine.organization_id] });
    const order = { action: 'revoke', filter: { user_id } };
    expect((await preview(order, secret)).count).toBe(1);
    expect((await confirmed(order, secret)).body.affected_count).toBe(1);
    expect(await codesOf(broker, [mine, other])).toEqual(['REVOKED', 'VALID']);
  });

  test('nothing to change is a success with 0', async () => {
    const answer = await confirmed({ action: 'revoke', filter: { user_id: 'usr_nobody' } });
    expect(answer).toMatchObject({ status: 200, body: { affected_count: 0, propagation: 'complete' } });
  });
});

describe('more keys', () => {
  test('become a job, which the worker carries out in batches, each key with its event', async () => {
    const { organization_id } = newOwner();
    await fill(organization_id, 1_203);
    const [late] = await mintInto(organization_id, 1);
    const order = {
      action: 'revoke',
      filter: { organization_id, environment: 'test' },
      reason: 'owner_left',
    };
    const answer = await confirmed(order);
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({
      affected_count: 1_204,
      propagation: 'pending',
      propagation_detail: { effective_by: null },
      job_id: expect.stringMatching(/^job_/),
    });
    expect((await job(answer.body.job_id)).body).toMatchObject({
      status: 'queued',
      total_count: 1_204,
      affected_count: 0,
      propagation: 'pending',
      reason: 'owner_left',
      filter: order.filter,
    });
    const [later] = await mintInto(organization_id, 1);
    expect(await runBulkOrders(broker.api.parts)).toBe(1_204);
    expect((await job(answer.body.job_id)).body).toMatchObject({
      status: 'completed',
      affected_count: 1_204,
      propagation: 'complete',
      finished_at: expect.any(String),
    });
    expect(await codesOf(broker, [late as Minted, later as Minted])).toEqual(['REVOKED', 'VALID']);
    const [events] = await query(
      broker.config.DATABASE_URL,
      `SELECT count(*)::integer AS keys, count(DISTINCT target_id)::integer AS targets FROM audit_events
       WHERE event_type = 'key.revoked' AND details ->> 'order_id' = $1 AND details ->> 'reason' = 'owner_left'`,
      [answer.body.job_id],
    );
    expect(events).toEqual({ keys: 1_204, targets: 1_204 });
    const ended = await auditEventsOf(broker, { targetId: answer.body.job_id });
    expect(ended.map(({ event_type }) => event_type)).toEqual(['keys.bulk_ordered', 'keys.bulk_ended']);
    expect(await runBulkOrders(broker.api.parts)).toBe(0);
  });

  test('a key that is refreshed while its order waits is ended with its successor', async () => {
    const { organization_id } = newOwner();
    const [graceful, abrupt, twice, other] = await mintInto(organization_id, 4);
    await fill(organization_id, 500);
    if (!graceful || !abrupt || !twice || !other) throw new Error('Not minted');
    const filter = { organization_id, environment: 'test' };
    const { body } = await confirmed({ action: 'revoke', filter });
    expect(body.affected_count).toBe(504);
    await refreshed(broker, twice, { grace_period_seconds: 600 });
    const successors = [
      await refreshed(broker, graceful, { grace_period_seconds: 600 }),
      await refreshed(broker, abrupt, { grace_period_seconds: 0 }),
      await refreshed(broker, twice),
    ];
    const [later] = await mintInto(organization_id, 1);
    const unaffected = await refreshed(broker, later as Minted, { grace_period_seconds: 600 });
    await runBulkOrders(broker.api.parts);
    expect((await job(body.job_id)).body.status).toBe('completed');
    expect(await codesOf(broker, [graceful, abrupt, twice, other, ...successors])).toEqual(
      Array.from({ length: 7 }, () => 'REVOKED'),
    );
    expect(await codesOf(broker, [later as Minted, unaffected])).toEqual(['SUPERSEDED', 'VALID']);
  });

  test('two workers at once change every key once', async () => {
    const { organization_id } = newOwner();
    await fill(organization_id, 1_100);
    const answer = await confirmed({ action: 'disable', filter: { organization_id } });
    const runs = await Promise.all([1, 2, 3].map(() => runBulkOrders(broker.api.parts)));
    expect(runs.reduce((sum, affected) => sum + affected, 0)).toBe(1_100);
    await runBulkOrders(broker.api.parts);
    expect((await job(answer.body.job_id)).body).toMatchObject({
      status: 'completed',
      affected_count: 1_100,
    });
  });

  test('a job is cancelled between its batches, and what it has changed stays so', async () => {
    const { organization_id } = newOwner();
    await fill(organization_id, 1_100);
    const { body } = await confirmed({ action: 'disable', filter: { organization_id } });
    const cancelled = await broker.call(`POST /v1/flowplate/jobs/${body.job_id}/cancel`, { body: {} });
    expect(cancelled.body).toMatchObject({ status: 'cancelled', affected_count: 0, propagation: 'complete' });
    expect(await runBulkOrders(broker.api.parts)).toBe(0);
    const again = await broker.call(`POST /v1/flowplate/jobs/${body.job_id}/cancel`, { body: {} });
    expect(again).toMatchObject({ status: 200, body: { status: 'cancelled' } });
    const events = await auditEventsOf(broker, { targetId: body.job_id });
    expect(events.map(({ event_type }) => event_type)).toEqual(['keys.bulk_ordered', 'keys.bulk_cancelled']);
  });

  test('a job is visible to the master key that ordered it and to operators, and to nobody else', async () => {
    const { organization_id } = newOwner();
    await mintInto(organization_id, 1);
    await fill(organization_id, 500);
    const { body } = await confirmed({ action: 'disable', filter: { organization_id } });
    const { secret } = await broker.createMasterKey();
    const missing = await job('job_0000000000000000000000', secret);
    expectError(missing, 404, 'JOB_NOT_FOUND');
    expect(bytesOf(await job(body.job_id, secret))).toBe(bytesOf(missing));
    const cancel = `POST /v1/flowplate/jobs/${body.job_id}/cancel`;
    expectError(await broker.call(cancel, { as: secret, body: {} }), 404, 'JOB_NOT_FOUND');
    const viewer = await platformKey(broker, ['role_platform_viewer']);
    const seen = (headers = {}) =>
      broker.call(`GET /api/v1/platform/jobs/${body.job_id}`, {
        as: null,
        headers: { ...viewer.headers, ...headers },
      });
    expect((await seen()).body).toMatchObject({ status: 'queued', total_count: 501 });
    const operator = await platformKey(broker);
    const inside = { ...operator.headers, 'x-flowplate-org': organization_id, 'x-flowplate-reason': 'test' };
    expectError(await seen(inside), 404, 'JOB_NOT_FOUND');
    const refused = await broker.call(`POST /api/v1/platform/jobs/${body.job_id}/cancel`, {
      as: null,
      headers: viewer.headers,
      body: {},
    });
    expectError(refused, 403, 'INSUFFICIENT_PERMISSIONS');
  });

  test.each([
    ['revoke', 'completed', 600],
    ['disable', 'completed', 600],
    ['enable', 'failed', 0],
  ])('of an orderer who was revoked meanwhile, a job to %s is %s', async (action, status, affected) => {
    const { organization_id } = newOwner();
    await fill(organization_id, 600);
    if (action === 'enable') {
      await query(
        broker.config.DATABASE_URL,
        'UPDATE api_keys SET enabled = false WHERE organization_id = $1',
        [organization_id],
      );
    }
    const { id, secret } = await broker.createMasterKey();
    const { body } = await confirmed({ action, filter: { organization_id, environment: 'test' } }, secret);
    const operator = await platformKey(broker);
    await broker.call(`POST /api/v1/platform/master-keys/${id}/revoke`, {
      as: null,
      headers: operator.headers,
      body: {},
    });
    await runBulkOrders(broker.api.parts);
    const shown = await broker.call(`GET /api/v1/platform/jobs/${body.job_id}`, {
      as: null,
      headers: operator.headers,
    });
    expect(shown.body).toMatchObject({
      status,
      affected_count: affected,
      fault: status === 'failed' ? 'ORDERER_LOST_RIGHTS' : null,
    });
  });

  test.each(['minted_by', 'organization_id'] as const)(
    'all of one %s are refused at once, whatever their number, and their job tells who ordered it',
    async (name) => {
      const { organization_id } = newOwner();
      const { id, secret } = await broker.createMasterKey();
      await fill(organization_id, 700, id);
      const key = await mint(broker, { organization_id }, { as: secret });
      expect((await verify(broker, key.key)).code).toBe('VALID');
      const filter = name === 'minted_by' ? { minted_by: id } : { organization_id };
      const answer = await confirmed({ action: 'revoke', filter, reason: 'key_compromise' });
      expect((await verify(broker, key.key)).code).toBe('REVOKED');
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({
        affected_count: 701,
        propagation: 'complete',
        job_id: expect.stringMatching(/^stop_/),
      });
      expect((await job(answer.body.job_id)).body).toMatchObject({
        action: 'revoke',
        status: 'running',
        reason: 'key_compromise',
        propagation: 'complete',
        filter,
      });
      expectError(await job(answer.body.job_id, secret), 404, 'JOB_NOT_FOUND');
      const cancel = `POST /v1/flowplate/jobs/${answer.body.job_id}/cancel`;
      expectError(await broker.call(cancel, { body: {} }), 409, 'JOB_NOT_CANCELLABLE');
      expect((await preview({ action: 'revoke', filter })).count).toBe(0);
    },
  );
});

describe('by operators', () => {
  const asked = async (roles: string[], body: object, headers = {}) => {
    const operator = await platformKey(broker, roles);
    return broker.call(`POST ${platformPath}`, {
      as: null,
      headers: { ...operator.headers, ...headers },
      body,
    });
  };

  test('a viewer is refused, an admin orders, and is confined to the organization that they enter', async () => {
    const { user_id } = newOwner();
    const here = await mint(broker, { user_id });
    const there = await mint(broker, { user_id });
    const dry = { action: 'revoke', filter: { user_id }, dry_run: true };
    expectError(await asked(['role_platform_viewer'], dry), 403, 'INSUFFICIENT_PERMISSIONS');
    const operator = await platformKey(broker);
    const inside = {
      ...operator.headers,
      'x-flowplate-org': here.organization_id,
      'x-flowplate-reason': 'test',
    };
    const call = (body: object, headers: Record<string, string>) =>
      broker.call(`POST ${platformPath}`, { as: null, headers, body });
    const { body } = await call(dry, inside);
    expect(body.count).toBe(1);
    const order = { action: 'revoke', filter: { user_id }, confirm_token: body.confirm_token };
    expectViolations(await call(order, operator.headers), 'confirm_token');
    expect((await call(order, inside)).body).toMatchObject({ affected_count: 1, propagation: 'complete' });
    expect(await codesOf(broker, [here, there])).toEqual(['REVOKED', 'VALID']);
  });
});

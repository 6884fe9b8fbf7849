import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { idFloor } from '../../../src/domain/ids.ts';
import { wakeWebhooks } from '../../../src/usecases/webhooks/wake-webhooks.ts';
import { callAs, type Headers } from '../../support/api-keys.ts';
import { seal, writeEvents } from '../../support/audit-chain.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import { organization, platformKey } from '../../support/platform-callers.ts';
import { serve as serveWith } from '../../support/serve-webhook.ts';
import { type Received, type Receiver, startReceiver } from '../../support/webhook-receiver.ts';

const path = '/api/v1/platform/webhooks';

let broker: TestBroker;
let headers: Headers;
let receiver: Receiver;
beforeAll(async () => {
  broker = await startBroker({ WEBHOOK_INTERNAL_RANGES: '127.0.0.0/8' });
  headers = (await platformKey(broker)).headers;
  receiver = await startReceiver();
});
afterAll(async () => {
  receiver.close();
  await broker.close();
});
beforeEach(async () => {
  receiver.answerStatus(204);
  // Endpoints of other tests would get events too.
  await sql`DELETE FROM webhooks`.execute(broker.db);
});

const call = (operation: string, body?: unknown) => callAs(broker, headers, operation, body);
const create = async (settings: Record<string, unknown> = {}) => {
  const { status, body } = await call(`POST ${path}`, { url: receiver.url, types: ['*'], ...settings });
  expect(status).toBe(201);
  return body as { id: string; secret: string };
};
const get = async (id: string) => (await call(`GET ${path}/${id}`)).body;
const deliveries = async (id: string, query = '') =>
  (await call(`GET ${path}/${id}/deliveries${query}`)).body;

const write = async (count: number, changed = {}) => {
  const events = await writeEvents(broker.db, count, changed);
  await seal(broker.db, broker.api.parts.keyring);
  return events.map(({ id }) => id);
};

const serve = (id: string, send = broker.api.parts.sendWebhook) => serveWith(broker, id, send);

const makeDue = () =>
  sql`UPDATE webhook_deliveries SET next_attempt_at = now() WHERE status = 'pending'`.execute(broker.db);

const idsSince = (from: number) => receiver.ids().slice(from);

describe('settings', () => {
  test('the secret is in the answers of creating and rotating, and in no other place', async () => {
    const { id, secret } = await create({ description: 'a' });
    const rotated = await call(`POST ${path}/${id}/rotate-secret`, { overlap_seconds: 60 });
    expect(rotated.body.secret).toMatch(/^whsec_/);
    expect(rotated.headers.get('cache-control')).toBe('no-store');
    const { rows } =
      await sql`SELECT (SELECT json_agg(w) FROM webhooks w)::text || (SELECT json_agg(a) FROM audit_events a
      WHERE event_type LIKE 'webhook%')::text AS dump`.execute(broker.db);
    const others = JSON.stringify([rows, await call(`GET ${path}`), await get(id), broker.logLines]);
    for (const shown of [secret, rotated.body.secret]) expect(others).not.toContain(shown.slice(6));
  });

  test('a repeated request with its Idempotency-Key makes one webhook, and gets the same secret', async () => {
    const again = { ...headers, 'idempotency-key': 'one' };
    const body = { url: receiver.url, types: ['key.revoked'] };
    const first = await callAs(broker, again, `POST ${path}`, body);
    const second = await callAs(broker, again, `POST ${path}`, body);
    expect(second.body).toEqual(first.body);
    expect((await call(`GET ${path}`)).body).toHaveLength(1);
  });

  test('addresses and types that cannot be meant are refused', async () => {
    for (const url of [
      'ftp://a.example/',
      'https://user:password@a.example/',
      'https://a.example/#x',
      'a.example',
    ]) {
      expectViolations(await call(`POST ${path}`, { url, types: ['*'] }), 'url');
    }
    expectViolations(await call(`POST ${path}`, { url: receiver.url, types: ['key.stolen'] }), 'types.0');
    const unknown = { url: receiver.url, types: ['*'], organization_id: 'org_nobody' };
    expectError(await call(`POST ${path}`, unknown), 404, 'ORGANIZATION_NOT_FOUND');
  });

  test('a webhook can be changed and deleted, and is unknown then', async () => {
    const { id } = await create();
    const changed = { types: ['key.revoked'], enabled: false, description: null };
    expect((await call(`PATCH ${path}/${id}`, changed)).body).toMatchObject(changed);
    expect((await call(`DELETE ${path}/${id}`)).status).toBe(200);
    for (const operation of [`GET ${path}/${id}`, `DELETE ${path}/${id}`, `POST ${path}/${id}/test`]) {
      expectError(await call(operation), 404, 'WEBHOOK_NOT_FOUND');
    }
  });

  test('who only reads events may look, and change nothing', async () => {
    const { id } = await create();
    const reader = (await platformKey(broker, ['role_platform_viewer'])).headers;
    expect((await callAs(broker, reader, `GET ${path}/${id}/deliveries`)).status).toBe(200);
    const refused = await callAs(broker, reader, `POST ${path}/${id}/replay`, {
      event_ids: ['evt_000000000000'],
    });
    expectError(refused, 403, 'INSUFFICIENT_PERMISSIONS');
  });

  test('secrets under an old pepper are sealed under the current one, and still sign', async () => {
    const { id, secret } = await create();
    const [old] = broker.api.parts.keyring;
    const renewed = { id: 'p2', secret: randomBytes(32) };
    const { newPepper } = await import('../../../src/domain/key-digest.ts');
    const keyring = [newPepper(renewed.id, renewed.secret), old] as const;
    await wakeWebhooks({ db: broker.db, keyring: [...keyring], offerTurns: async () => undefined });
    const { rows } = await sql<{
      pepper_id: string;
    }>`SELECT pepper_id FROM webhooks WHERE id = ${id}`.execute(broker.db);
    expect(rows).toEqual([{ pepper_id: 'p2' }]);
    const { findWebhookSecrets } = await import('../../../src/stores/postgres/webhooks/webhooks.ts');
    const { openWebhookSecrets } = await import('../../../src/usecases/webhooks/webhook-secret.ts');
    const sealed = await findWebhookSecrets(broker.db, id);
    expect(sealed && openWebhookSecrets([keyring[0]], id, sealed)).toEqual([secret]);
  });

  test('a secret under a lost pepper is a fault, and keeps no other from moving to the current one', async () => {
    const [lost, other] = [await create(), await create()];
    await sql`UPDATE webhooks SET pepper_id = CASE WHEN id = ${lost.id} THEN 'lost' ELSE pepper_id END`.execute(
      broker.db,
    );
    const { newPepper } = await import('../../../src/domain/key-digest.ts');
    const keyring = [newPepper('p3', randomBytes(32)), ...broker.api.parts.keyring];
    await expect(
      wakeWebhooks({ db: broker.db, keyring: keyring as never, offerTurns: async () => undefined }),
    ).rejects.toThrow();
    const { rows } = await sql<{ id: string }>`
      SELECT id FROM webhooks WHERE pepper_id = 'p3'`.execute(broker.db);
    expect(rows).toEqual([{ id: other.id }]);
  });
});

describe('delivery', () => {
  test('every event that is sealed after the creation comes once, in sealed order, signed by both secrets', async () => {
    await write(3);
    const { id, secret } = await create();
    const { body: rotated } = await call(`POST ${path}/${id}/rotate-secret`, {});
    const from = receiver.ids().length;
    await write(300);
    await serve(id);
    const { rows } = await sql<{ id: string }>`SELECT event_id AS id FROM audit_seals ORDER BY seq`.execute(
      broker.db,
    );
    const order = rows.map((row) => row.id);
    const got = idsSince(from);
    expect(got.length).toBeGreaterThanOrEqual(300);
    expect(order.slice(-got.length)).toEqual(got);
    const { headers: sent, body } = receiver.received.at(-1) as Received;
    for (const each of [secret, rotated.secret]) expect(new Webhook(each).verify(body, sent)).toBeTruthy();
    expect(await serve(id)).toEqual([]);
    const [newest] = await deliveries(id);
    expect(newest).toMatchObject({ status: 'delivered', attempts: 1, answer: { status: 204 } });
    expect(newest.request.body).toEqual(JSON.parse(body));
  });

  test('only events of the subscribed types and of the own organization come', async () => {
    await organization(broker, 'org_own');
    const { id } = await create({ types: ['key.revoked'], organization_id: 'org_own' });
    const from = receiver.ids().length;
    await write(2, { organizationId: 'org_other' });
    await write(2, { organizationId: 'org_own', eventType: 'key.refreshed' });
    const [mine] = await write(1, { organizationId: 'org_own' });
    await serve(id);
    expect(idsSince(from)).toEqual([mine]);
    expect((await get(id)).waiting_events).toBe(0);
  });

  test('endpoints at different places of the order, with other types and organizations, each get their events once and in order', async () => {
    const at = (path: string, settings: object) =>
      create({ url: new URL(path, receiver.url).href, ...settings });
    await organization(broker, 'org_apart');
    const behind = await at('/behind', { types: ['key.revoked', 'key.expired'] });
    const early = await write(600);
    const [every, typed, confined] = [
      await at('/every', { types: ['key.revoked', 'key.expired'] }),
      await at('/typed', { types: ['key.expired'] }),
      await at('/confined', { types: ['key.expired'], organization_id: 'org_apart' }),
    ];
    const late: string[] = [];
    const ofType: string[] = [];
    const apart: string[] = [];
    for (let round = 0; round < 4; round++) {
      const other = await write(150, { eventType: 'key.expired', organizationId: 'org_apart' });
      const more = await write(150, { eventType: 'key.expired' });
      late.push(...other, ...more, ...(await write(50)));
      ofType.push(...other, ...more);
      apart.push(...other);
      // The first one is far behind then.
      await Promise.all([every, typed, confined].map(({ id }) => serve(id)));
    }
    await Promise.all([behind, every, typed, confined].map(({ id }) => serve(id)));
    expect(receiver.ids('/behind')).toEqual([...early, ...late]);
    expect(receiver.ids('/every')).toEqual(late);
    expect(receiver.ids('/typed')).toEqual(ofType);
    expect(receiver.ids('/confined')).toEqual(apart);
  });

  test('an event that fails blocks the later ones until it is delivered or dead, and each keeps its id', async () => {
    const { id } = await create({ types: ['key.revoked'] });
    const [one, bad, three] = await write(3);
    const from = receiver.ids().length;
    receiver.answer((got, res) => res.writeHead(got.headers['webhook-id'] === bad ? 500 : 204).end('no'));
    expect(await serve(id)).toEqual(['delivered', 'failed']);
    expect(await serve(id)).toEqual([]);
    expect(await deliveries(id, '?status=pending')).toMatchObject([
      { event_id: bad, attempts: 1, answer: { status: 500, body: 'no' } },
    ]);
    for (let attempt = 2; attempt < 10; attempt++) {
      await makeDue();
      expect(await serve(id)).toEqual(['failed']);
    }
    await makeDue();
    expect(await serve(id)).toEqual(['dead', 'delivered']);
    expect(idsSince(from)).toEqual([one, ...Array(10).fill(bad), three]);
    expect(await deliveries(id, '?status=dead')).toMatchObject([{ event_id: bad, attempts: 10 }]);
  });

  test('an endpoint that answers 410 is disabled at once, and that is an event; enabled again, it goes on there', async () => {
    const { id } = await create({ types: ['key.revoked'] });
    const ids = await write(2);
    receiver.answerStatus(410);
    await serve(id);
    expect(await get(id)).toMatchObject({ enabled: false, disabled_reason: 'gone' });
    const audit = await call(`GET /api/v1/platform/audit?event_type=webhook.disabled&target_id=${id}`);
    expect(audit.body).toMatchObject([{ details: { reason: 'gone' } }]);
    receiver.answerStatus(200);
    const from = receiver.ids().length;
    expect(await serve(id)).toEqual([]);
    await call(`PATCH ${path}/${id}`, { enabled: true });
    await serve(id);
    expect(idsSince(from)).toEqual(ids);
  });

  test('an endpoint with a week of nothing but failures is disabled', async () => {
    const { id } = await create({ types: ['key.revoked'] });
    await write(1);
    receiver.answerStatus(503);
    await serve(id);
    await sql`UPDATE webhooks SET failing_since = now() - interval '7 days'`.execute(broker.db);
    await makeDue();
    await serve(id);
    expect(await get(id), 'there are attempts left').toMatchObject({ enabled: true });
    await sql`UPDATE webhook_deliveries SET attempts = 9 WHERE status = 'pending'`.execute(broker.db);
    await makeDue();
    await serve(id);
    expect(await get(id)).toMatchObject({ enabled: false, disabled_reason: 'failing' });
  });

  test('an endpoint that gets another address begins without its failures', async () => {
    const { id } = await create();
    await sql`UPDATE webhooks SET failing_since = now() - interval '8 days'`.execute(broker.db);
    expect((await call(`PATCH ${path}/${id}`, { description: 'a' })).body.failing_since).not.toBeNull();
    const moved = await call(`PATCH ${path}/${id}`, { url: `${receiver.url}/new` });
    expect(moved.body.failing_since).toBeNull();
  });

  test.each<[string, string, unknown]>([
    ['types that are added', 'PATCH', { types: ['key.revoked', 'key.minted'] }],
    ['a secret that is rotated', 'POST rotate-secret', { overlap_seconds: 0 }],
  ])('%s while a turn is under way hold for what it has not stored', async (_what, change, body) => {
    const { id } = await create({ types: ['key.revoked'] });
    const [method, action] = change.split(' ');
    const [first] = await write(1);
    const [second] = await write(1, { eventType: 'key.minted' });
    const from = receiver.ids().length;
    await serve(id, async (message) => {
      const changed = await call(`${method} ${path}/${id}${action ? `/${action}` : ''}`, body);
      expect(changed.status).toBe(200);
      return broker.api.parts.sendWebhook(message);
    });
    expect(await serve(id), 'the old turn still has the lease').toEqual([]);
    await sql`UPDATE webhooks SET served_until = now() - interval '1 second'`.execute(broker.db);
    await serve(id);
    expect(idsSince(from)).toEqual([first, first, ...(action === undefined ? [second] : [])]);
  });

  test('an endpoint of a deleted organization is disabled, and sends nothing more', async () => {
    await organization(broker, 'org_ending');
    const { id } = await create({ organization_id: 'org_ending' });
    await write(1, { organizationId: 'org_ending' });
    await call('DELETE /api/v1/platform/tenants/org_ending');
    const from = receiver.ids().length;
    await serve(id);
    expect(idsSince(from)).toEqual([]);
    expect(await get(id)).toMatchObject({ enabled: false, disabled_reason: 'organization_deleted' });
    expectError(await call(`PATCH ${path}/${id}`, { enabled: true }), 404, 'ORGANIZATION_NOT_FOUND');
  });

  test('an endpoint that hangs delays no other one', async () => {
    const slow = await create({ types: ['key.revoked'], url: `${receiver.url}/slow` });
    const quick = await create({ types: ['key.revoked'] });
    const ids = await write(3);
    const hanging: Array<() => void> = [];
    receiver.answer((got, res) => {
      if (got.path.endsWith('/slow')) hanging.push(() => res.writeHead(204).end());
      else res.writeHead(204).end();
    });
    const from = receiver.ids().length;
    const slowTurn = serve(slow.id);
    await serve(quick.id);
    expect(receiver.ids().slice(from)).toEqual(ids);
    receiver.answerStatus(204);
    for (const end of hanging) end();
    await slowTurn;
  });

  test('of two workers at one endpoint one sends', async () => {
    const { id } = await create({ types: ['key.revoked'] });
    const ids = await write(20);
    const from = receiver.ids().length;
    await Promise.all([serve(id), serve(id), serve(id)]);
    expect(idsSince(from)).toEqual(ids);
  });
});

describe('test and replay', () => {
  test('a test is sent at once, also to a disabled endpoint, and shows the answer', async () => {
    const { id, secret } = await create({ enabled: false });
    receiver.answer((_, res) => res.writeHead(202).end('thanks'));
    const { body } = await call(`POST ${path}/${id}/test`);
    expect(body).toMatchObject({ delivered: true, answer: { status: 202, body: 'thanks', fault: null } });
    const got = receiver.received.at(-1) as Received;
    expect(new Webhook(secret).verify(got.body, got.headers)).toMatchObject({ type: 'webhook.tested' });
    expect(got.headers['webhook-id']).toBe(body.event_id);
  });

  test('events are sent again by their ids, and by a time, with the ids that they had', async () => {
    const { id } = await create({ types: ['key.revoked'] });
    const begin = new Date(Date.now() - 1_000).toISOString();
    const ids = await write(4);
    await serve(id);
    const from = receiver.ids().length;
    const chosen = await call(`POST ${path}/${id}/replay`, { event_ids: [ids[2], ids[0]] });
    expect([chosen.status, chosen.body.count]).toEqual([202, 2]);
    await serve(id);
    expect(idsSince(from)).toEqual([ids[0], ids[2]]);
    const range = { from: begin, to: new Date(Date.now() + 60_000).toISOString() };
    const timed = await call(`POST ${path}/${id}/replay`, range);
    await serve(id);
    expect(timed.body.count).toBeGreaterThanOrEqual(4);
    expect(idsSince(from + 2)).toEqual(expect.arrayContaining(ids));
    expectViolations(
      await call(`POST ${path}/${id}/replay`, { event_ids: ['evt_000000000000'] }),
      'event_ids.0',
    );
  });

  test('a time with more events than can be looked through is refused', async () => {
    const { id } = await create({ types: ['key.revoked'] });
    const from = new Date('2020-01-01T00:00:00Z');
    await sql`
      INSERT INTO audit_events SELECT many.* FROM generate_series(1, 100001) i,
        (SELECT to_jsonb(audit_events) AS row FROM audit_events LIMIT 1) e,
        jsonb_populate_record(NULL::audit_events, e.row || jsonb_build_object('id',
          ${idFloor('auditEvent', from)}::text || lpad(i::text, 10, '0'))) many`.execute(broker.db);
    const range = { from: '2019-12-31', to: '2020-01-02' };
    expectViolations(await call(`POST ${path}/${id}/replay`, range), 'to');
  });

  test('a replay that fails holds up no new event', async () => {
    const { id } = await create({ types: ['key.revoked'] });
    const [old] = await write(1);
    await serve(id);
    await call(`POST ${path}/${id}/replay`, { event_ids: [old] });
    const [fresh] = await write(1);
    receiver.answer((got, res) => res.writeHead(got.headers['webhook-id'] === old ? 500 : 204).end());
    expect(await serve(id)).toEqual(['failed', 'delivered']);
    expect(receiver.ids().at(-1)).toBe(fresh);
  });
});

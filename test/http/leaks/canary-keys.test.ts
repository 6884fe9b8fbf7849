import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newPepper } from '../../../src/domain/key-digest.ts';
import { newSecret } from '../../../src/domain/key-format.ts';
import { listCanaryKeys, rekeyCanary } from '../../../src/stores/postgres/leaks/canary-keys.ts';
import { tellHeldBackUses } from '../../../src/usecases/leaks/tell-canary-uses.ts';
import { CanaryWatch } from '../../../src/verify/canary-watch.ts';
import { embedHoldingLease } from '../../sdk/embedded.ts';
import { endAll } from '../../support/at-end.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import { getKey, keysPath, type Minted, mint, newOwner, revoke, update, verify } from '../../support/keys.ts';
import { reportLeak, withReporter } from '../../support/leaks.ts';

let broker: TestBroker;
let replica: TestBroker;
beforeAll(async () => {
  broker = await startBroker(withReporter);
  replica = await broker.replica();
  // The first organization, which a busy machine takes long for.
  await mint(broker);
});
afterAll(async () => {
  await endAll();
  await replica.close();
  await broker.close();
});

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const basic = (key: string) => ({ authorization: `Basic ${btoa(`client:${key}`)}` });

const canary = (body: object = {}): Promise<Minted> => mint(broker, { ...body, canary: true });

/** What the events told of its uses, the oldest first. */
async function told({ key_id }: Minted) {
  await Promise.all([broker, replica].map(({ api }) => api.flushUsage()));
  const events = await auditEventsOf(broker, { targetId: key_id });
  return events
    .filter(({ event_type }) => event_type === 'key.canary.used')
    .map(({ details }) => details as Record<string, unknown>);
}

/** As if the last event had been a minute ago. */
async function passMinute({ key_id }: Minted): Promise<void> {
  await broker.db
    .updateTable('canary_keys')
    .set({ told_at: new Date(Date.now() - 61_000) })
    .where('key_id', '=', key_id)
    .execute();
}

describe('a mint', () => {
  test('403: without keys:canary, and nothing is minted', async () => {
    const { secret: as } = await broker.createMasterKey({ permissions: ['keys:mint', 'keys:read'] });
    const owner = newOwner();
    const refused = await broker.call(`POST ${keysPath}`, { as, body: { ...owner, canary: true } });
    expect(expectError(refused, 403, 'INSUFFICIENT_PERMISSIONS')).toEqual({
      required_permission: 'keys:canary',
    });
    expect((await broker.call(`POST ${keysPath}`, { as, body: { ...owner, canary: false } })).status).toBe(
      201,
    );
  });

  test('422: a line of many mints and an import take no canary', async () => {
    const headers = { 'content-type': 'application/x-ndjson' };
    const line = { ...newOwner(), canary: true };
    const imported = { ...line, hash: 'a'.repeat(64), algorithm: 'sha256' };
    for (const [path, body] of [
      ['batch', line],
      ['import', imported],
    ] as const) {
      const answer = await broker.call(`POST ${keysPath}/${path}`, { headers, body: JSON.stringify(body) });
      const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
      expect(text).toContain('VALIDATION_ERROR');
    }
    expectViolations(await broker.call(`POST ${keysPath}`, { body: { ...line, canary: 'yes' } }), 'canary');
  });

  test('answers as for any other key, and only the audit log tells it from one', async () => {
    const [bait, other] = [
      await canary({ name: 'app', scopes: ['read'] }),
      await mint(broker, { name: 'app', scopes: ['read'] }),
    ];
    expect(Object.keys(bait)).toEqual(Object.keys(other));
    const [shown, shownOther] = [await getKey(broker, bait.key_id), await getKey(broker, other.key_id)];
    expect(Object.keys(shown.body)).toEqual(Object.keys(shownOther.body));
    expect(shown.body).toMatchObject({ status: 'active', name: 'app', scopes: ['read'] });
    const again = { user_id: bait.user_id, organization_id: bait.organization_id };
    expectError(await broker.call(`POST ${keysPath}`, { body: again }), 409, 'KEY_ALREADY_EXISTS');
    const [minted] = await auditEventsOf(broker, { targetId: bait.key_id });
    expect(minted?.details).toMatchObject({ canary: true });
  });

  test('is repeated under its Idempotency-Key', async () => {
    const options = { body: { ...newOwner(), canary: true }, headers: { 'idempotency-key': 'bait' } };
    const [first, second] = [
      await broker.call(`POST ${keysPath}`, options),
      await broker.call(`POST ${keysPath}`, options),
    ];
    expect(second.body).toEqual(first.body);
    expect((await verify(broker, first.body.key)).code).toBe('NOT_FOUND');
  });
});

describe('a use', () => {
  test('is NOT_FOUND at every endpoint and in every process, and told with address, gateway and request', async () => {
    const bait = await canary();
    const { key } = bait;
    const gateway = await broker.createMasterKey({ permissions: ['keys:verify'] });
    const as = gateway.secret;
    const unknown = newSecret('user', 'test', randomBytes);
    const answers = async (presented: string) => {
      const form = { 'content-type': 'application/x-www-form-urlencoded' };
      const json = await replica.call(`POST ${keysPath}/verify`, { as, body: { key: presented } });
      const batch = await broker.call(`POST ${keysPath}/verify/batch`, {
        as,
        body: { keys: [{ key: presented }] },
      });
      const door = await replica.call('GET /v1/flowplate/authz', { as, headers: { 'x-api-key': presented } });
      const body = `token=${presented}`;
      const introspected = await broker.call('POST /v1/flowplate/introspect', { as, body, headers: form });
      return [json, batch, door, introspected].map((answer) => [answer.status, JSON.stringify(answer.body)]);
    };
    const withoutIds = (list: unknown[][]) =>
      JSON.stringify(list).replaceAll(/req_\w+|\d{4}-\d\d-[^"]+Z/g, '');
    expect(withoutIds(await answers(key))).toBe(withoutIds(await answers(unknown)));
    expect(await told(bait)).toHaveLength(1);
    await passMinute(bait);
    const headers = { 'x-request-id': 'the-thief' };
    await broker.call(`POST ${keysPath}/verify`, { as, body: { key, ip: '203.0.113.7' }, headers });
    const [, last] = await told(bait);
    expect(last).toMatchObject({
      endpoint: 'verify',
      ip: '203.0.113.7',
      master_key_id: gateway.id,
      request_id: 'the-thief',
    });
  });

  test('through a verifier in a gateway is told with what the gateway knows', async () => {
    const bait = await canary();
    const verifier = await embedHoldingLease(broker);
    const verdict = await verifier.verify(
      { key: bait.key, ip: '::ffff:198.51.100.7' },
      { requestId: () => 'trace-7' },
    );
    expect(verdict).toEqual({ valid: false, code: 'NOT_FOUND' });
    expect(await told(bait)).toEqual([
      expect.objectContaining({ count: 1, endpoint: 'embedded', ip: '198.51.100.7', request_id: 'trace-7' }),
    ]);
  });

  type Credential = (key: string) => { as?: string | null; headers?: Record<string, string> };
  const gateway = 'POST /v1/flowplate/introspect';
  test.each<[string, string, Credential]>([
    ['master key', `GET ${keysPath}`, (as) => ({ as })],
    ['API key', `GET ${keysPath}`, (key) => ({ as: null, headers: { 'x-api-key': key } })],
    ['one of two different ones', `GET ${keysPath}`, (key) => ({ headers: { 'x-api-key': key } })],
    ['key of an API user', 'GET /users', (key) => ({ as: null, headers: { 'x-api-key': key } })],
    ['platform key', 'GET /api/v1/platform/tenants', (key) => ({ as: null, headers: bearer(key) })],
    ['tenant key', 'GET /api/v1/apikeys', (key) => ({ as: null, headers: bearer(key) })],
    ['password of a client', gateway, (key) => ({ as: null, headers: basic(key) })],
    ['key of a gateway', `POST ${keysPath}/verify`, (as) => ({ as })],
    ['key of a proxy', 'GET /v1/flowplate/authz', (as) => ({ as })],
    ['key through no gateway', 'GET /v1/flowplate/authz', (key) => ({ as: null, headers: bearer(key) })],
  ])(
    'as the credential of a call is told and answered like an unknown key: %s',
    async (_what, operation, credential) => {
      const bait = await canary();
      const answerTo = async (key: string) => {
        const { status, body } = await broker.call(operation, credential(key));
        return [status, body?.error?.code];
      };
      const answer = await answerTo(bait.key);
      expect(answer).toEqual(await answerTo(newSecret('user', 'test', randomBytes)));
      expect(answer[0]).toBeGreaterThanOrEqual(400);
      expect(await told(bait)).toEqual([
        expect.objectContaining({ count: 1, endpoint: 'credential', ip: '127.0.0.1', master_key_id: null }),
      ]);
    },
  );

  test('by who wants to end it is told, answered like an unknown key, and does not silence it', async () => {
    const bait = await canary();
    for (const token of [bait.key, newSecret('user', 'test', randomBytes)]) {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const ended = await broker.call('POST /v1/flowplate/revoke', {
        as: null,
        body: `token=${token}`,
        headers,
      });
      expect([ended.status, ended.body]).toEqual([200, {}]);
    }
    expect(await told(bait)).toEqual([
      expect.objectContaining({ count: 1, endpoint: 'revoke', ip: '127.0.0.1', master_key_id: null }),
    ]);
    expect((await getKey(broker, bait.key_id)).body.status).toBe('active');
  });

  test('is one event a minute over all processes, and no use is left out of the counts', async () => {
    const bait = await canary();
    for (let round = 0; round < 3; round++) {
      for (const at of [broker, replica, replica]) await verify(at, bait.key);
      await told(bait);
    }
    const [first, ...others] = await told(bait);
    expect(others).toEqual([]);
    await tellHeldBackUses({ db: broker.db, randomBytes });
    expect(await told(bait)).toHaveLength(1);
    await passMinute(bait);
    for (let run = 0; run < 2; run++) await tellHeldBackUses({ db: broker.db, randomBytes });
    const counts = (await told(bait)).map(({ count }) => Number(count));
    expect(counts).toEqual([first?.count, 9 - Number(first?.count)]);
  });

  test('is told in a flood of unknown keys, and a flood costs no statement of its own', async () => {
    const bait = await canary();
    const { unknownKeys } = broker.api.parts.verify;
    const from = { endpoint: 'verify', requestId: 'r', traceId: null, masterKeyId: 'flm_1' } as const;
    await verify(broker, bait.key);
    await told(bait);
    await passMinute(bait);
    for (let index = 0; index < 10_000; index++) {
      unknownKeys.note(index === 3_000 ? bait.key : newSecret('user', 'test', randomBytes), undefined, from);
    }
    expect((await told(bait)).map(({ count }) => count)).toEqual([1, 1]);
  });

  test('is told under an older pepper too, and moves the canary to the current one', async () => {
    const bait = await canary();
    const peppers = `p2:${randomBytes(32).toString('base64url')},${broker.config.FLOWPLATE_PEPPERS.map(({ id, secret }) => `${id}:${secret.export().toString('base64url')}`).join()}`;
    const rotated = await broker.replica({ FLOWPLATE_PEPPERS: peppers });
    expect((await verify(rotated, bait.key)).code).toBe('NOT_FOUND');
    await rotated.close();
    expect(await told(bait)).toHaveLength(1);
    const row = broker.db.selectFrom('canary_keys').select('pepper_id').where('key_id', '=', bait.key_id);
    expect(await row.executeTakeFirst()).toEqual({ pepper_id: 'p2' });
  });

  test('is told by a process whose pepper was rotated while it ran', async () => {
    const bait = await canary();
    // Older than the newest by more than a commit takes, so that it is not read with the new ones.
    await sql`UPDATE canary_keys SET created_at = created_at - interval '1 hour' WHERE key_id = ${bait.key_id}`.execute(
      broker.db,
    );
    const from = { endpoint: 'verify', requestId: 'r', traceId: null, masterKeyId: 'flm_1' } as const;
    const [old] = broker.api.parts.keyring;
    const keyring = [old];
    const tellings: string[] = [];
    const watch = new CanaryWatch({
      keyring: keyring as never,
      load: (after) => listCanaryKeys(broker.db, after),
      tell: async ({ keyId, current }) => {
        tellings.push(keyId);
        await broker.db.transaction().execute((tx) => rekeyCanary(tx, keyId, current));
      },
      onFault: () => undefined,
    });
    const renewed = newPepper('renewed', randomBytes(32));
    for (const peppers of [[old], [renewed, old], [renewed]]) {
      keyring.splice(0, keyring.length, ...peppers);
      watch.note(bait.key, undefined, from);
      await watch.flush();
    }
    expect(tellings).toEqual([bait.key_id, bait.key_id, bait.key_id]);
  });

  test('that was held back is forgotten when the canary ends', async () => {
    const bait = await canary();
    for (let use = 0; use < 2; use++) {
      await verify(broker, bait.key);
      await told(bait);
    }
    await passMinute(bait);
    await update(broker, bait.key_id, { enabled: false });
    expect(await tellHeldBackUses({ db: broker.db, randomBytes })).toBe(1);
    expect(await tellHeldBackUses({ db: broker.db, randomBytes })).toBe(0);
    await update(broker, bait.key_id, { enabled: true });
    await tellHeldBackUses({ db: broker.db, randomBytes });
    expect(await told(bait)).toHaveLength(1);
  });

  test.each<[string, (bait: Minted) => Promise<unknown>]>([
    ['revoked', ({ key_id }) => revoke(broker, key_id)],
    ['disabled', ({ key_id }) => update(broker, key_id, { enabled: false })],
  ])('of one that was %s tells nothing', async (_what, end) => {
    const bait = await canary();
    await end(bait);
    expect((await verify(broker, bait.key)).code).toBe('NOT_FOUND');
    expect(await told(bait)).toEqual([]);
  });

  test('counts as no usage', async () => {
    const bait = await canary();
    await verify(broker, bait.key);
    await broker.settleUsage();
    const { usage } = (await getKey(broker, bait.key_id)).body;
    expect(usage).toMatchObject({ total_requests: 0, refused_requests: 0, last_used_at: null });
  });
});

test('a scanner that finds a canary is told that it is ours, and the canary goes on', async () => {
  const bait = await canary();
  expect((await reportLeak(broker, bait.key)).body).toMatchObject([{ label: 'true_positive' }]);
  expect((await getKey(broker, bait.key_id)).body.status).toBe('active');
  const leaked = (await auditEventsOf(broker, { targetId: bait.key_id })).find(
    ({ event_type }) => event_type === 'key.leaked',
  );
  expect(leaked?.details).toMatchObject({ action: 'none' });
  await verify(broker, bait.key);
  expect(await told(bait)).toHaveLength(1);
});

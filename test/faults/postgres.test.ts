import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { digestSecret } from '../../src/domain/key-digest.ts';
import { Stamps } from '../../src/domain/stamp.ts';
import { readRecords } from '../../src/stores/redis/records.ts';
import { endAll } from '../support/at-end.ts';
import type { Answer } from '../support/call.ts';
import { type Deployment, deploy, type StartedApi } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { findHalfDone } from '../support/half-done.ts';
import { type KeyCalls, keyCalls, type Minted, organization } from '../support/key-calls.ts';
import {
  freezePostgres,
  type OwnPostgres,
  ordinaryRole,
  ownPostgres,
  ownRedis,
} from '../support/own-stores.ts';
import { query, withConnection } from '../support/query.ts';
import { withRedis } from './counted.ts';

/** "Within about a second", with room for a machine that has other things to do. */
const answerMsMax = 2_000;
const recoveryMsMax = 10_000;
const leaseMs = 3_000;

let postgres: OwnPostgres;
let redisUrl: string;
let deployment: Deployment;
let api: StartedApi;
let keys: KeyCalls;

/** Of the database, which records in Redis belong to. */
let history: { bytes: Buffer };

beforeAll(async () => {
  const [own, redis] = await Promise.all([ownPostgres(), ownRedis()]);
  postgres = own;
  redisUrl = redis.current().url;
  deployment = deploy({ databaseUrl: postgres.databaseUrl, redisUrl }, { LEASE_MS: String(leaseMs) });
  api = await deployment.startApi();
  keys = keyCalls(api.call);
  const [row] = await query(postgres.adminUrl, 'SELECT uuid_send(id) AS bytes FROM database_histories');
  history = { bytes: row?.bytes };
});

afterAll(endAll);

/** Each begins an outage and hands back what ends it. */
const outages: Record<string, () => Promise<() => unknown>> = {
  'hangs (SIGSTOP)': () => freezePostgres(postgres),
  'is killed': async () => {
    await postgres.kill();
    return () => postgres.restart();
  },
  'has no connection left': async () => {
    const role = `ALTER ROLE ${ordinaryRole} CONNECTION LIMIT`;
    await query(postgres.adminUrl, `${role} 0`);
    await query(
      postgres.adminUrl,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${ordinaryRole}'`,
    );
    return () => query(postgres.adminUrl, `${role} -1`);
  },
};

test.each(Object.keys(outages))(
  'when Postgres %s, changes are refused with 503, known keys verify while the lease holds and get 503 after it, and it recovers',
  async (name) => {
    const { known, unknown, refreshed, revoked } = await mintSome();
    const end = await (outages[name] as (typeof outages)[string])();
    try {
      expect(await canVerify()).toEqual([200, 'ready', { lease: 'held', postgres: 'not_asked' }]);
      await expectUnavailable(changes(refreshed, revoked));
      expect(await verifyWhileHeld(known)).toBeGreaterThan(0);
      await expectUnavailable([keys.verify(known.key), keys.verify(unknown.key)]);
      const ready = await api.call('GET /health/ready');
      expect([ready.status, ready.body.status]).toEqual([503, 'unavailable']);
      expect(ready.body.checks).toEqual({ postgres: 'down', redis: 'up', lease: 'lapsed' });
      expect(await canVerify()).toEqual([503, 'unavailable', { lease: 'lapsed', postgres: 'down' }]);
      expect((await api.call('GET /health/live')).status).toBe(200);
    } finally {
      await end();
    }
    await expectRecovery(known, unknown);
    // Whether a change was made that got no answer in time, only Postgres knows; but then it was
    // made as a whole.
    expect(['VALID', 'REVOKED']).toContain(await keys.codeOf(refreshed.key));
    expect(['VALID', 'REVOKED']).toContain(await keys.codeOf(revoked.key));
  },
);

test('a Postgres that is killed while changes wait in it gets them 503 at once and nothing done, and the API lives on', async () => {
  const { known, unknown, refreshed, revoked } = await mintSome();
  await withConnection(postgres.adminUrl, async (locker) => {
    await locker.query('BEGIN');
    await locker.query('LOCK TABLE api_keys');
    const waiting = changes(refreshed, revoked);
    await eventually(
      answerMsMax,
      () => waitersIn(locker),
      (count) => count > 0,
    );
    await postgres.kill();
    await expectUnavailable(waiting);
  });
  await postgres.restart();
  await expectRecovery(known, unknown);
  expect(await keys.codeOf(refreshed.key)).toBe('VALID');
  expect(await keys.codeOf(revoked.key)).toBe('VALID');
});

async function waitersIn(client: Client): Promise<number> {
  const waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
  return (await client.query(waiting)).rows.length;
}

test('a Postgres that is read-only refuses changes with 503, still verifies every key without a lease, and recovers', async () => {
  const { known, unknown, refreshed, revoked } = await mintSome();
  await setReadOnly('on');
  try {
    await eventually(recoveryMsMax, leaseState, (state) => state === 'lapsed');
    await expectUnavailable(changes(refreshed, revoked));
    for (const { key } of [known, unknown, refreshed, revoked]) expect(await keys.codeOf(key)).toBe('VALID');
    const ready = await api.call('GET /health/ready');
    expect([ready.status, ready.body.status]).toEqual([200, 'degraded']);
    expect(ready.body.checks).toEqual({ postgres: 'up', redis: 'up', lease: 'lapsed' });
    expect(await canVerify()).toEqual([200, 'degraded', { lease: 'lapsed', postgres: 'up' }]);
  } finally {
    await setReadOnly('off');
  }
  await expectRecovery(known, unknown);
  expect(await keys.codeOf(refreshed.key)).toBe('VALID');
  expect(await keys.codeOf(revoked.key)).toBe('VALID');
});

test('while the table of keys is locked, changes and unknown keys get 503 and known keys are still verified', async () => {
  const { known, unknown, refreshed, revoked } = await mintSome();
  await withConnection(postgres.adminUrl, async (locker) => {
    await locker.query('BEGIN');
    await locker.query('LOCK TABLE api_keys');
    await expectUnavailable(changes(refreshed, revoked));
    await expectUnavailable([keys.verify(unknown.key)]);
    expect(await keys.codeOf(known.key)).toBe('VALID');
    const ready = await api.call('GET /health/ready');
    expect([ready.status, ready.body.status]).toEqual([200, 'ready']);
    await locker.query('COMMIT');
  });
  await expectRecovery(known, unknown);
  expect(await keys.codeOf(refreshed.key)).toBe('VALID');
  expect(await keys.codeOf(revoked.key)).toBe('VALID');
});

test('a key that was minted or revoked just before Postgres is killed is known for the lease, though no call has verified it', async () => {
  const other = await deployment.startApi();
  // Its caller is known to it.
  expect(await keyCalls(other.call).codeOf((await keys.mint()).key)).toBe('VALID');
  const [minted, revoked] = [await keys.mint(), await keys.mint()];
  expect(await keys.revoke(revoked.userId)).toMatchObject({ propagation: 'complete' });
  await eventually(
    5_000,
    () => statusInRedis(revoked.key),
    (status) => status === 'revoked',
  );
  await postgres.kill();
  try {
    for (const { call } of [other, api]) {
      expect(await keyCalls(call).codeOf(minted.key)).toBe('VALID');
      expect(await keyCalls(call).codeOf(revoked.key)).toBe('REVOKED');
    }
  } finally {
    await postgres.restart();
  }
  other.kill('SIGTERM');
  await other.exited;
});

function statusInRedis(key: string): Promise<string | undefined> {
  const keyring = readConfig(deployment.env).FLOWPLATE_PEPPERS;
  const { digest } = digestSecret(keyring[0], key);
  const recordStamps = new Stamps(keyring, 'records');
  return withRedis(redisUrl, async (redis) => {
    const [packed] = await readRecords({ redis, recordStamps, history }, [digest]);
    return packed?.record.status;
  });
}

async function canVerify(): Promise<unknown[]> {
  const { status, body } = await api.call('GET /health/verify', { as: null });
  return [status, body.status, body.checks];
}

/** `known` was verified before, so that its record is in memory; `unknown` is in no cache. */
async function mintSome() {
  const [known, unknown, refreshed, revoked] = await Promise.all([
    keys.mint(),
    keys.mint(),
    keys.mint(),
    keys.mint(),
  ]);
  expect(await keys.codeOf(known.key)).toBe('VALID');
  // A mint leaves its key in Redis.
  await withRedis(redisUrl, (client) => client.flushall());
  return { known, unknown, refreshed, revoked };
}

function changes(refreshed: Minted, revoked: Minted): Promise<Answer>[] {
  const mint = { user_id: `late-${refreshed.userId}`, organization_id: organization };
  return [
    api.call('POST /v1/flowplate/api-keys', { body: mint }),
    api.call(`POST /v1/flowplate/api-keys/${refreshed.userId}/${organization}/refresh`, { body: {} }),
    api.call(`DELETE /v1/flowplate/api-keys/${revoked.userId}/${organization}`),
    api.call(`DELETE /v1/flowplate/api-keys/${revoked.keyId}`),
    api.call(`DELETE /v1/flowplate/api-keys/user/${revoked.userId}`),
    api.call(`PATCH /v1/flowplate/api-keys/${revoked.keyId}`, { body: { enabled: false } }),
  ];
}

async function expectUnavailable(calls: readonly Promise<Answer>[]): Promise<void> {
  const startedMs = performance.now();
  for (const { status, headers, body } of await Promise.all(calls)) {
    expect([status, body.error?.code]).toEqual([503, 'DEPENDENCY_UNAVAILABLE']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect(performance.now() - startedMs).toBeLessThan(answerMsMax);
}

/**
 * How often the key verified until the lease lapsed. A lease that is still held was held when the
 * answer was given.
 */
async function verifyWhileHeld({ key }: Minted): Promise<number> {
  const giveUpAt = performance.now() + 3 * leaseMs;
  for (let verified = 0; performance.now() < giveUpAt; verified++) {
    const { status, body } = await keys.verify(key);
    if ((await leaseState()) === 'lapsed') return verified;
    expect([status, body.code]).toEqual([200, 'VALID']);
  }
  throw new Error('the lease never lapsed');
}

async function leaseState(): Promise<string> {
  return (await api.call('GET /health/ready')).body.checks.lease;
}

/** Also settings of running sessions change at a reload. */
async function setReadOnly(state: 'on' | 'off'): Promise<void> {
  await query(postgres.adminUrl, `ALTER SYSTEM SET default_transaction_read_only = ${state}`);
  await query(postgres.adminUrl, 'SELECT pg_reload_conf()');
}

async function expectRecovery(known: Minted, unknown: Minted): Promise<void> {
  const readiness = async () => (await api.call('GET /health/ready')).body.status;
  await eventually(recoveryMsMax, readiness, (status) => status === 'ready');
  const minted = await keys.mint();
  for (const { key } of [known, unknown, minted]) expect(await keys.codeOf(key)).toBe('VALID');
  expect(await keys.refresh(minted.userId)).toMatchObject({ propagation: 'complete' });
  expect(await keys.codeOf(minted.key)).toBe('REVOKED');
  expect(await findHalfDone(postgres.adminUrl)).toEqual([]);
}

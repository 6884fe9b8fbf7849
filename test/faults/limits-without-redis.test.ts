import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { type DelayingProxy, startDelayingProxy } from '../support/delaying-proxy.ts';
import { type Deployment, deploy, type StartedApi } from '../support/deployment.ts';
import { editSource } from '../support/edited-source.ts';
import { eventually } from '../support/eventually.ts';
import { type KeyCalls, keyCalls } from '../support/key-calls.ts';
import { ownRedis } from '../support/own-stores.ts';
import type { OwnRedis } from './redis-faults.ts';

const limit = 90;
const processes = 3;
const hourly = { rate_limit: { limit, window_seconds: 3_600 } };
const monthly = { quota: { limit, period: 'month' } };
const recoveryMsMax = 10_000;
/** Twice the pause between heartbeats, in which a process learns how many there are. */
const countedMs = 2_000;
/** Twice the pause in which a process tells Redis what it let in without it. */
const toldMs = 500;

let redis: OwnRedis;
let proxy: DelayingProxy;
let deployment: Deployment;
let apis: StartedApi[];
let keys: KeyCalls;

beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  redis = await ownRedis();
  proxy = await startDelayingProxy(redis.current().url);
  deployment = deploy({ databaseUrl: database.url, redisUrl: proxy.url });
  [apis] = await Promise.all([startThree(), deployment.startWorker()]);
  keys = keyCalls((apis[0] as StartedApi).call);
  await sleep(countedMs);
});

afterAll(endAll);

const startThree = (options = {}) =>
  Promise.all(Array.from({ length: processes }, () => deployment.startApi(options)));

type Fault = {
  begin(): Promise<unknown>;
  end(): Promise<unknown>;
  /** All that may be let in of the limit, in the window or period of the fault. */
  most: number;
};

const faults: Record<string, Fault> = {
  // The counter starts from what one of them knows, which may be less than the last one was told: a
  // call of each other one.
  'killed, and back empty': {
    begin: () => redis.kill(),
    end: () => redis.restart(),
    most: limit + processes - 1,
  },
  'hanging (SIGSTOP)': {
    begin: async () => redis.current().kill('SIGSTOP'),
    end: async () => redis.current().kill('SIGCONT'),
    most: limit,
  },
  'delayed by 200 ms': {
    begin: async () => proxy.delayAnswers(200),
    end: async () => proxy.delayAnswers(0),
    // Some calls are counted late, some are shares: each process knows of the others' only what was
    // counted.
    most: 1.5 * limit,
  },
};

type Verdict = { valid: boolean; rate_limit?: { enforced: unknown }; quota?: { enforced: unknown } };

const verify = async (api: StartedApi, key: string): Promise<Verdict> =>
  (await keyCalls(api.call).verify(key)).body;

const howEnforced = ({ rate_limit, quota }: Verdict) => (rate_limit ?? quota)?.enforced;

/** Through one process after the other, so that each knows of nearly all; how many were let in. */
async function letInByTurns(through: StartedApi[], calls: number, key: string): Promise<number> {
  let valid = 0;
  for (let round = 0; round < calls / processes; round++) {
    for (const api of through) if ((await verify(api, key)).valid) valid += 1;
  }
  return valid;
}

/** Through all processes side by side; how many were let in. */
async function letIn(through: StartedApi[], calls: number, key: string): Promise<number> {
  let valid = 0;
  const callThrough = async (api: StartedApi) => {
    for (let call = 0; call < calls / processes; call++) if ((await verify(api, key)).valid) valid += 1;
  };
  await Promise.all(through.map(callThrough));
  return valid;
}

/** Through every process, until each has Redis again (or has lost it). */
async function untilEnforced(through: StartedApi[], key: string, how: unknown): Promise<void> {
  const ask = (api: StartedApi) => async () => howEnforced(await verify(api, key));
  for (const api of through) await eventually(recoveryMsMax, ask(api), (enforced) => enforced === how);
}

/**
 * A third of the limit with Redis, twice the limit without it, and twice the limit when it is back.
 */
async function passThrough(through: StartedApi[], fault: Fault, settings: Record<string, unknown>) {
  const { key, keyId } = await keys.mint(settings);
  const probe = (await keys.mint({ rate_limit: { limit: 1_000_000, window_seconds: 3_600 } })).key;
  const before = await letInByTurns(through, limit / 3, key);
  // Counts that wait in a Redis that loses its data are lost to quotas too.
  const counted = async () => (await keys.show(keyId)).usage.total_requests;
  await eventually(recoveryMsMax, counted, (count) => count === before);
  await fault.begin();
  await untilEnforced(through, probe, 'local');
  const during = await letIn(through, 2 * limit, key);
  await fault.end();
  await untilEnforced(through, probe, true);
  await sleep(toldMs);
  const after = await letIn(through, 2 * limit, key);
  return { before, during, total: before + during + after };
}

test.each(
  Object.keys(faults).flatMap((name) => [
    [name, 'rate limit', hourly] as const,
    [name, 'quota', monthly] as const,
  ]),
)(
  'with Redis %s, three processes let in their shares of a %s, and no more',
  async (name, _what, settings) => {
    const fault = faults[name] as Fault;
    const { before, during, total } = await passThrough(apis, fault, settings);
    expect(before).toBe(limit / 3);
    expect(during).toBeGreaterThan(limit / 3);
    expect(total).toBeLessThanOrEqual(fault.most);
  },
);

test.each([
  ['rate limit', hourly],
  ['quota', monthly],
])(
  'a flood that goes on while Redis goes and comes back, empty, gets no more than twice the %s through',
  async (_what, settings) => {
    const { key } = await keys.mint(settings);
    const fault = faults['killed, and back empty'] as Fault;
    let isOver = false;
    let valid = 0;
    const floodThrough = async (api: StartedApi) => {
      while (!isOver) if ((await verify(api, key)).valid) valid += 1;
    };
    const flooding = Promise.all(apis.map(floodThrough));
    await sleep(20);
    await fault.begin();
    await sleep(200);
    await fault.end();
    const probe = (await keys.mint({ rate_limit: { limit: 1_000_000, window_seconds: 3_600 } })).key;
    await untilEnforced(apis, probe, true);
    await sleep(2 * toldMs);
    isOver = true;
    await flooding;
    expect(valid).toBeGreaterThanOrEqual(limit / 2);
    expect(valid).toBeLessThanOrEqual(2 * limit);
  },
);

test('where calls without Redis are not told to it afterwards, more get through', async () => {
  const source = await editSource([
    {
      file: 'src/verify/limited-line.ts',
      from: 'return window && { owed, spent:',
      to: 'return window && { owed: 0 * owed, spent:',
    },
  ]);
  const control = await startThree({ source });
  const { total } = await passThrough(control, faults['hanging (SIGSTOP)'] as Fault, hourly);
  for (const api of control) api.kill('SIGTERM');
  expect(total).toBeGreaterThan(limit);
});

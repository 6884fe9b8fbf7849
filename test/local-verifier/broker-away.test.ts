import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, inject, test } from 'vitest';
import { doorPath } from '../http/verify/door.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { deploy } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { keysPath, mint, revoke, revokeEverywhere } from '../support/keys.ts';
import {
  type StartedLocalVerifier,
  startLocalVerifier,
  untilLeaseIsHeld,
} from '../support/local-verifier.ts';
import { quietPort } from '../support/quiet-port.ts';
import { freshRedis } from '../support/redis.ts';
import { envoyAt } from './envoy.ts';
import { exchange, type Got } from './exchange.ts';

/** Twice the shortest: a process among busy ones needs time to hear that its lease goes on. */
const leaseMs = 6_000;

afterAll(endAll);

async function newDeployment() {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  const { url: redisUrl } = await freshRedis(inject('redisUrl'));
  return deploy({ databaseUrl: database.url, redisUrl }, { LEASE_MS: String(leaseMs) });
}

const byForwardAuth = (socketPath: string, key: string): Promise<Got> =>
  exchange({ socketPath }, { path: doorPath, headers: [['x-api-key', key]] });

function byJson(socketPath: string, key: string): Promise<Got> {
  const headers = [['Content-Type', 'application/json']] as const;
  return exchange(
    { socketPath },
    { method: 'POST', path: `${keysPath}/verify`, headers, body: JSON.stringify({ key }) },
  );
}

/** Until memory has the key, so that the broker is not needed for it. */
async function remember(local: StartedLocalVerifier, key: string): Promise<void> {
  await untilLeaseIsHeld(local);
  await eventually(
    10_000,
    () => byForwardAuth(local.socketPath, key),
    ({ status }) => status === 200,
  );
}

async function metricOf(local: StartedLocalVerifier, line: string): Promise<number> {
  const text = await (await fetch(`${local.metricsUrl}/metrics`)).text();
  const found = text.split('\n').find((each) => each.startsWith(`${line} `));
  return Number(found?.slice(line.length));
}

/** The lease lasts until this time at least, as the local verifier tells it. */
async function earliestLeaseEnd(local: StartedLocalVerifier): Promise<number> {
  const askedMs = performance.now();
  return askedMs + 1_000 * (await metricOf(local, 'flowplate_lease_remaining_seconds'));
}

test.concurrent('a broker that is killed is missed by no known key until the lease ends; then it is 503, until it is back', async () => {
  const deployment = await newDeployment();
  const api = await deployment.startApi();
  const { masterKey } = deployment;
  const local = await startLocalVerifier({ brokers: [api.url], masterKey, grpc: ['unix'] });
  const { socketPath } = local;
  const envoy = envoyAt(local.grpc[0] ?? '');
  const envoyStatus = async (key: string) => {
    const { status, denied_response } = await envoy.check({ headers: { 'x-api-key': key } });
    return denied_response?.status.code ?? status.code;
  };
  const { key, key_id } = await mint(api);
  const limited = await mint(api, { rate_limit: { limit: 100, window_seconds: 60 } });
  const neverAsked = await mint(api);
  await remember(local, key);
  await remember(local, limited.key);
  expect(await envoy.health()).toBe(1);

  const leaseEndsMs = await eventually(
    10_000,
    () => earliestLeaseEnd(local),
    (endsMs) => endsMs > performance.now() + leaseMs / 2,
  );
  api.kill('SIGKILL');
  await api.exited;
  const killedMs = performance.now();
  let answers = 0;
  for (;;) {
    const askedMs = performance.now();
    const byHttp = (await byForwardAuth(socketPath, key)).status;
    const inJson = JSON.parse((await byJson(socketPath, key)).body).code;
    const byEnvoy = await envoyStatus(key);
    // Nobody renews it: what is left afterwards was there before.
    if ((await metricOf(local, 'flowplate_lease_remaining_seconds')) === 0) break;
    expect([byHttp, inJson, byEnvoy]).toEqual([200, 'VALID', 0]);
    // The last beat was sent before the kill.
    expect(askedMs).toBeLessThan(killedMs + leaseMs);
    answers += 1;
    if (answers === 1) {
      // It asks the broker, which counts for all. The refusal says that nothing was decided.
      expect((await byForwardAuth(socketPath, limited.key)).status).toBe(503);
      expect((await byForwardAuth(socketPath, neverAsked.key)).status).toBe(503);
      expect((await byForwardAuth(socketPath, 'no key at all')).status).toBe(401);
    }
    await sleep(20);
  }
  expect(answers).toBeGreaterThan(0);
  expect(performance.now()).toBeGreaterThanOrEqual(leaseEndsMs);
  await eventually(
    leaseMs,
    () => byForwardAuth(socketPath, key),
    ({ status }) => status === 503,
  );
  const refused = await byForwardAuth(socketPath, key);
  expect(refused.headers).toContain('Retry-After: 1');
  expect((await byJson(socketPath, key)).status).toBe(503);
  expect(await envoyStatus(key)).toBe(503);
  expect(await envoy.health()).toBe(2);
  expect((await fetch(`${local.url}/health/ready`)).status).toBe(503);
  expect((await fetch(`${local.url}/health/live`)).status).toBe(200);
  expect(await metricOf(local, 'flowplate_lease_held')).toBe(0);

  const again = await deployment.startApi({ env: { PORT: String(api.port) } });
  await remember(local, key);
  await revokeEverywhere(again, key_id);
  // A busy machine may miss the deadline of the first look-up. No answer is yes.
  const after: number[] = [];
  const ask = async () => after.push((await byForwardAuth(socketPath, key)).status);
  await eventually(5_000, ask, () => after.at(-1) === 401);
  expect(after).not.toContain(200);
  local.kill('SIGTERM');
  expect(await local.exited).toEqual({ code: 0, signal: null });
  const { body } = await revoke(again, limited.key_id);
  expect(body).toMatchObject({ propagation: 'complete', propagation_detail: { total: 1 } });
});

test.concurrent('several brokers: a dead one is passed over, and one that is killed costs no known key', async () => {
  const deployment = await newDeployment();
  const [first, second] = await Promise.all([deployment.startApi(), deployment.startApi()]);
  const dead = `http://127.0.0.1:${await quietPort()}`;
  const { masterKey } = deployment;
  const local = await startLocalVerifier({ brokers: [dead, first.url, second.url], masterKey });
  const { key, key_id } = await mint(first);
  const limited = await mint(first, { rate_limit: { limit: 1_000, window_seconds: 60 } });
  await remember(local, key);
  await remember(local, limited.key);
  first.kill('SIGKILL');
  await first.exited;
  const giveUpAt = performance.now() + leaseMs + 2_000;
  while (performance.now() < giveUpAt) {
    expect((await byForwardAuth(local.socketPath, key)).status).toBe(200);
    await sleep(50);
  }
  expect(await metricOf(local, 'flowplate_lease_held')).toBe(1);
  await remember(local, limited.key);
  expect((await revoke(second, key_id)).status).toBeOneOf([200, 202]);
  await eventually(
    5_000,
    () => byForwardAuth(local.socketPath, key),
    ({ status }) => status === 401,
  );
});

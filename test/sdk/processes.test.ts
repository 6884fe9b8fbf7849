import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, inject, test } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { deploy, type StartedApi } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { mint, revoke, revokeEverywhere } from '../support/keys.ts';
import { loggedLine, startScript } from '../support/processes.ts';
import { freshRedis } from '../support/redis.ts';

const leaseMs = 3_000;

type Said = { isLeaseHeld: boolean; fromMemory: string | null; code: string };

afterAll(endAll);

async function newDeployment(ms = leaseMs) {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  const { url: redisUrl } = await freshRedis(inject('redisUrl'));
  return deploy({ databaseUrl: database.url, redisUrl }, { LEASE_MS: String(ms) });
}

/**
 * A gateway's process. `ask` sends a request to it, which an operating system keeps for a process
 * that is stopped.
 */
async function startGateway(api: StartedApi, masterKey: string) {
  const env = { BROKER_URL: api.url, MASTER_KEY: masterKey };
  const running = await startScript('test/sdk/fixtures/embedding-process.ts', { env });
  const { port } = await loggedLine(running, 'listening');
  const ask = async (key: string): Promise<Said> => {
    const response = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: key });
    return (await response.json()) as Said;
  };
  return { ...running, ask };
}

test.concurrent('a gateway that is stopped past its lease refuses, when it goes on, what was revoked meanwhile', async () => {
  const deployment = await newDeployment();
  const api = await deployment.startApi();
  const gateway = await startGateway(api, deployment.masterKey);
  const [one, other] = [await mint(api), await mint(api)];
  for (const { key } of [one, other, one, other]) expect((await gateway.ask(key)).code).toBe('VALID');
  expect(await gateway.ask(one.key)).toEqual({ isLeaseHeld: true, fromMemory: 'VALID', code: 'VALID' });

  gateway.kill('SIGSTOP');
  const pending = await revoke(api, one.key_id);
  expect([pending.status, pending.body.propagation]).toEqual([202, 'pending']);
  const effectiveMs = Date.parse(pending.body.propagation_detail.effective_by);
  expect(effectiveMs - Date.now()).toBeLessThan(leaseMs);
  await sleep(Math.max(0, effectiveMs - Date.now()) + 50);
  const complete = await revoke(api, other.key_id);
  expect([complete.status, complete.body.propagation]).toEqual([200, 'complete']);

  // Both requests start now, after the answers, and wait for a process that still believes what it
  // knew before.
  const asked = [gateway.ask(one.key), gateway.ask(other.key)];
  await sleep(100);
  gateway.kill('SIGCONT');
  for (const said of await Promise.all(asked)) {
    expect([null, 'REVOKED']).toContain(said.fromMemory);
    expect(said.code).toBe('REVOKED');
  }
  await eventually(
    10_000,
    () => gateway.ask(one.key),
    ({ isLeaseHeld }) => isLeaseHeld,
  );
  expect((await gateway.ask(other.key)).code).toBe('REVOKED');
});

test.concurrent('a broker that is killed is done without until the lease ends, and used again when it is back', async () => {
  const deployment = await newDeployment();
  const api = await deployment.startApi();
  const gateway = await startGateway(api, deployment.masterKey);
  const { key, key_id } = await mint(api);
  for (const code of ['VALID', 'VALID']) expect((await gateway.ask(key)).code).toBe(code);

  api.kill('SIGKILL');
  await api.exited;
  const killedMs = performance.now();
  for (let said = await gateway.ask(key); said.fromMemory !== null; said = await gateway.ask(key)) {
    expect(said.fromMemory).toBe('VALID');
    await sleep(20);
  }
  expect(performance.now() - killedMs).toBeLessThan(leaseMs + 500);
  expect(await gateway.ask(key)).toEqual({
    isLeaseHeld: false,
    fromMemory: null,
    code: 'FlowplateUndecidedError',
  });

  const again = await deployment.startApi({ env: { PORT: String(api.port) } });
  await eventually(
    10_000,
    () => gateway.ask(key),
    ({ fromMemory }) => fromMemory === 'VALID',
  );
  await revokeEverywhere(again, key_id);
  expect((await gateway.ask(key)).code).toBe('REVOKED');
});

test.concurrent('a broker that is restarted in its order costs no verification', async () => {
  const deployment = await newDeployment(30_000);
  const api = await deployment.startApi();
  const gateway = await startGateway(api, deployment.masterKey);
  const { key, key_id } = await mint(api);
  await gateway.ask(key);
  let isOver = false;
  const said: Said[] = [];
  const asking = (async () => {
    while (!isOver) {
      said.push(await gateway.ask(key));
      await sleep(10);
    }
  })();
  api.kill('SIGTERM');
  await api.exited;
  const again = await deployment.startApi({ env: { PORT: String(api.port) } });
  await sleep(500);
  isOver = true;
  await asking;
  expect(new Set(said.map(({ code }) => code))).toEqual(new Set(['VALID']));
  await eventually(
    10_000,
    () => gateway.ask(key),
    ({ isLeaseHeld }) => isLeaseHeld,
  );
  await revokeEverywhere(again, key_id);
  expect((await gateway.ask(key)).code).toBe('REVOKED');
});

test.concurrent('a gateway that ends in its order is waited for by nobody', async () => {
  const deployment = await newDeployment();
  const api = await deployment.startApi();
  const gateway = await startGateway(api, deployment.masterKey);
  const { key, key_id } = await mint(api);
  await gateway.ask(key);
  gateway.kill('SIGTERM');
  expect((await gateway.exited).code).toBe(0);
  const { body } = await revoke(api, key_id);
  expect(body).toMatchObject({ propagation: 'complete', propagation_detail: { total: 1 } });
});

import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { revokeMasterKey } from '../../src/usecases/master-keys/revoke-master-key.ts';
import { doorPath } from '../http/verify/door.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker, testOrigin } from '../support/broker.ts';
import { eventually } from '../support/eventually.ts';
import { getKey, keysPath, mint } from '../support/keys.ts';
import {
  type StartedLocalVerifier,
  startLocalVerifier,
  untilLeaseIsHeld,
} from '../support/local-verifier.ts';
import { loggedLine, runScript, startScript } from '../support/processes.ts';
import { exchange, type Got, type Sent, type Target } from './exchange.ts';

const script = 'src/local-verifier/main.ts';

let broker: TestBroker;
let directory: string;
let keyFile: string;
beforeAll(async () => {
  broker = await startBroker();
  directory = await mkdtemp(join(tmpdir(), 'flowplate-test-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  keyFile = join(directory, 'master-key');
  await writeFile(keyFile, broker.masterKey);
});
afterAll(async () => {
  await endAll();
  await broker.close();
});

const start = (masterKey = broker.masterKey, args: readonly string[] = []) =>
  startLocalVerifier({ brokers: [broker.url], masterKey, args });

const ask = (target: Target, key: string, more: Sent['headers'] = []): Promise<Got> =>
  eventually(
    10_000,
    () => exchange(target, { path: doorPath, headers: [['x-api-key', key], ...more] }),
    ({ status }) => status !== 503,
  );

async function metricsOf(local: StartedLocalVerifier): Promise<(line: string) => number> {
  const text = await (await fetch(`${local.metricsUrl}/metrics`)).text();
  const lines = new Map(
    text.split('\n').map((line) => [line.slice(0, line.lastIndexOf(' ')), line] as const),
  );
  return (name) => Number(lines.get(name)?.split(' ').at(-1));
}

describe('the command line', () => {
  const good = () => ['--listen', 'unix:/tmp/x.sock', '--broker', broker.url];

  test('wrong use is one line, and exit 2', async () => {
    const { code, stderr, stdout } = await runScript(script, { args: good(), env: {} });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toBe("error: required option '--master-key-file <path>' not specified\n");
  });

  test('--help and --version exit with 0', async () => {
    const help = await runScript(script, { args: ['--help'], env: {} });
    expect(help.code).toBe(0);
    for (const option of [
      '--listen',
      '--grpc',
      '--broker',
      '--master-key-file',
      '--metrics',
      '--trust-listener',
    ]) {
      expect(help.stdout).toContain(option);
    }
    const version = await runScript(script, { args: ['--version'], env: {} });
    expect([version.code, version.stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
  });

  test('a key file that is missing, or is none, is named, and its contents are not: exit 1', async () => {
    const other = join(directory, 'no-key');
    await writeFile(other, 'canary with blanks');
    for (const file of [join(directory, 'missing'), other]) {
      const args = [...good(), '--master-key-file', file];
      const { code, stdout } = await runScript(script, { args, env: {} });
      expect(code).toBe(1);
      expect(stdout).toContain(file);
      expect(stdout).not.toContain('canary');
    }
  });
});

describe('its own socket', () => {
  test('has mode 0660 and asks for no master key; TCP asks for one, also with --trust-listener', async () => {
    const { key } = await mint(broker);
    const [plain, trusting, asking] = await Promise.all([
      start(),
      start(broker.masterKey, ['--trust-listener']),
      start(broker.masterKey, ['--no-trust-listener']),
    ]);
    const asGateway = [['x-flowplate-master-key', broker.masterKey]] as const;
    const invented = [['x-flowplate-master-key', 'invented by the client']] as const;
    for (const { socketPath, url } of [plain, trusting]) {
      expect(((await stat(socketPath)).mode & 0o777).toString(8)).toBe('660');
      expect((await ask({ socketPath }, key)).status).toBe(200);
      expect((await ask({ socketPath }, key, invented)).status).toBe(200);
      expect((await ask({ url }, key)).status).toBe(401);
      expect((await ask({ url }, key, asGateway)).status).toBe(200);
    }
    const { socketPath } = asking;
    expect((await ask({ socketPath }, key)).status).toBe(401);
    expect((await ask({ socketPath }, key, asGateway)).status).toBe(200);
  });

  test('is left behind by a kill, and replaced by the next process; a living one keeps it', async () => {
    const { key } = await mint(broker);
    const path = join(directory, 'kept.sock');
    const args = ['--listen', `unix:${path}`, '--broker', broker.url, '--master-key-file', keyFile];
    const killed = await startScript(script, { args, env: {} });
    await loggedLine(killed, 'listening');
    killed.kill('SIGKILL');
    await killed.exited;
    const living = await startScript(script, { args, env: {} });
    await loggedLine(living, 'listening');
    const second = await runScript(script, { args, env: {} });
    expect(second.code).toBe(1);
    expect(second.stdout).toContain('in use by another process');
    expect((await ask({ socketPath: path }, key)).status).toBe(200);
    living.kill('SIGTERM');
    expect((await living.exited).code).toBe(0);
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('a master key that the broker refuses', () => {
  const listener = ({ socketPath }: StartedLocalVerifier) => ({ socketPath });

  test('makes every gateway unknown here, as it is at the broker, until it is good', async () => {
    const { key } = await mint(broker);
    const unknown = `fl_master_test_${'x'.repeat(46)}`;
    const local = await start(unknown);
    for (const presented of [key, 'x']) {
      const { status, headers } = await ask(listener(local), presented);
      expect(status).toBe(401);
      expect(headers).toContain('x-flowplate-code: gateway_unknown');
    }
    expect((await fetch(`${local.url}/health/verify`)).status).toBe(503);
    await broker.createMasterKey({}, unknown);
    await untilLeaseIsHeld(local);
    expect((await ask(listener(local), key)).status).toBe(200);
  });

  test('that is revoked while it holds a lease ends it, also for keys in memory', async () => {
    const { key } = await mint(broker);
    const { id, secret } = await broker.createMasterKey();
    const local = await start(secret);
    await untilLeaseIsHeld(local);
    expect((await ask(listener(local), key)).status).toBe(200);
    await revokeMasterKey(broker.api.parts, testOrigin, id);
    const { headers } = await eventually(
      5_000,
      () => ask(listener(local), key),
      ({ status }) => status === 401,
    );
    expect(headers).toContain('x-flowplate-code: gateway_unknown');
    await eventually(
      5_000,
      () => fetch(`${local.url}/health/verify`),
      ({ status }) => status === 503,
    );
  });

  test('that may only mint is forbidden, and one that holds no lease asks the broker', async () => {
    const { key } = await mint(broker);
    const { secret: mintsOnly } = await broker.createMasterKey({ permissions: ['keys:mint'] });
    const { secret: asksOnly } = await broker.createMasterKey({ permissions: ['keys:verify'] });
    const forbidden = await ask(listener(await start(mintsOnly)), key);
    expect(forbidden.status).toBe(403);
    expect(forbidden.headers).toContain('x-flowplate-code: gateway_forbidden');
    expect((await ask(listener(await start(asksOnly)), key)).status).toBe(200);
  });

  test('sees the keys of its own organizations, and no others', async () => {
    const { key, organization_id } = await mint(broker);
    const { secret: own } = await broker.createMasterKey({ organizationIds: [organization_id] });
    const { secret: elsewhere } = await broker.createMasterKey({ organizationIds: ['org_elsewhere'] });
    const locals = await Promise.all([start(own), start(elsewhere)]);
    await Promise.all(locals.map(untilLeaseIsHeld));
    const statuses = await Promise.all(locals.map(async (local) => (await ask(listener(local), key)).status));
    expect(statuses).toEqual([200, 401]);
  });
});

test('it holds its lease from the process that it is connected to, like an embedded verifier', async () => {
  const { id, secret } = await broker.createMasterKey();
  await untilLeaseIsHeld(await start(secret));
  const rows = broker.db.selectFrom('verifiers').select('hub_id').where('master_key_id', '=', id);
  const { hubId } = broker.api.parts.following;
  await eventually(
    5_000,
    () => rows.execute(),
    ([row]) => row?.hub_id === hubId,
  );
});

test('metrics tell memory from the broker, and what it took to count a limit', async () => {
  const local = await start();
  const { socketPath } = local;
  await untilLeaseIsHeld(local);
  const { key } = await mint(broker);
  const limited = await mint(broker, { rate_limit: { limit: 100, window_seconds: 60 } });
  for (let round = 0; round < 5; round += 1) {
    await ask({ socketPath }, key);
    await ask({ socketPath }, limited.key);
  }
  const body = JSON.stringify({ keys: [{ key }, { key: limited.key }] });
  const headers = [['Content-Type', 'application/json']] as const;
  await exchange({ socketPath }, { method: 'POST', path: `${keysPath}/verify/batch`, headers, body });
  const metric = await metricsOf(local);
  const answers = (endpoint: string, source: string) =>
    metric(`flowplate_local_answers_total{endpoint="${endpoint}",source="${source}",outcome="valid"}`);
  const timed = (endpoint: string, source: string) =>
    metric(
      `flowplate_local_answer_seconds_count{endpoint="${endpoint}",source="${source}",result="decided"}`,
    );
  expect([answers('authz', 'memory'), answers('authz', 'broker'), answers('authz', 'limits')]).toEqual([
    4, 1, 5,
  ]);
  expect([timed('authz', 'memory'), timed('authz', 'broker'), timed('authz', 'limits')]).toEqual([4, 1, 5]);
  expect([answers('batch', 'memory'), answers('batch', 'limits'), timed('batch', 'limits')]).toEqual([
    1, 1, 1,
  ]);
  expect(metric('flowplate_record_lookups_total{source="broker"}')).toBe(6);
  expect(metric('flowplate_lease_held')).toBe(1);
});

describe('counts', () => {
  async function requestsOf(keyId: string): Promise<number> {
    await broker.settleUsage();
    return (await getKey(broker, keyId)).body.usage.total_requests;
  }

  test('at SIGTERM every call is counted', async () => {
    const local = await start();
    await untilLeaseIsHeld(local);
    const { key, key_id } = await mint(broker);
    for (let call = 0; call < 30; call += 1) await ask({ socketPath: local.socketPath }, key);
    local.kill('SIGTERM');
    expect(await local.exited).toEqual({ code: 0, signal: null });
    expect(local.stderr()).toBe('');
    expect(await requestsOf(key_id)).toBe(30);
  });

  test('a kill costs the calls of the last moment, and none is counted twice', async () => {
    const local = await start();
    await untilLeaseIsHeld(local);
    const { key, key_id } = await mint(broker);
    for (let call = 0; call < 30; call += 1) await ask({ socketPath: local.socketPath }, key);
    // Reports leave every 250 ms.
    await eventually(
      10_000,
      () => requestsOf(key_id),
      (count) => count === 30,
    );
    for (let call = 0; call < 20; call += 1) await ask({ socketPath: local.socketPath }, key);
    local.kill('SIGKILL');
    await local.exited;
    await sleep(500);
    const counted = await requestsOf(key_id);
    expect(counted).toBeGreaterThanOrEqual(30);
    expect(counted).toBeLessThanOrEqual(50);
  });
});

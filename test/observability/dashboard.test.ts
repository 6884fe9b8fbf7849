import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { alerts } from '../../scripts/observability/alerts.ts';
import { rows } from '../../scripts/observability/panels.ts';
import { foreignMetrics } from '../../scripts/observability/promql.ts';
import { hurried } from '../../scripts/observability/timing.ts';
import { newSecret } from '../../src/domain/key-format.ts';
import { catalogue } from '../../src/metrics/catalogue.ts';
import { endAll } from '../support/at-end.ts';
import type { StartedApi } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { type OwnPostgres, type OwnServer, ownPostgres, ownRedis } from '../support/own-stores.ts';
import { quietPort } from '../support/quiet-port.ts';
import { readyRedis } from '../support/stores.ts';
import { type Prometheus, startPrometheus } from './prometheus.ts';
import { type WatchedDeployment, watchedDeployment } from './watched-deployment.ts';
import { startLoad } from './watched-load.ts';

/** Long enough for a verifier to be seen behind before its lease has lapsed. */
const leaseMs = 9_000;

let postgres: OwnPostgres;
let redis: OwnServer<{ url: string }>;
let watched: WatchedDeployment;
let second: StartedApi;
let prometheus: Prometheus;
let load: ReturnType<typeof startLoad>;

beforeAll(async () => {
  [postgres, redis] = await Promise.all([ownPostgres(), ownRedis()]);
  const stores = { databaseUrl: postgres.databaseUrl, redisUrl: redis.current().url };
  watched = await watchedDeployment({ LEASE_MS: String(leaseMs) }, stores);
  const port = await quietPort();
  second = await watched.deployment.startApi({ env: { METRICS_PORT: String(port) } });
  prometheus = await startPrometheus({
    api: [watched.ports.api, port],
    worker: watched.ports.worker,
  });
  load = startLoad(watched.api.call);
});

afterAll(async () => {
  await load.stop();
  await endAll();
});

const panels = rows.flatMap((row) => row.panels);
const queries = panels.flatMap(({ title, queries }) => queries.map(({ expr }) => ({ title, expr })));

/** No endpoint waits for events here; a quantile of no delivery is no number. */
const mayBeUnmeasured = (expr: string) => expr.includes('flowplate_webhook_delay_seconds');

test('the query of each panel returns data of a broker under load', async () => {
  expect(queries.length).toBeGreaterThan(45);
  for (const { title, expr } of queries) {
    const samples = await eventually(
      20_000,
      () => prometheus.query(expr.replaceAll('$__rate_interval', '5s')),
      (all) => all.some(({ value }) => value[1] !== 'NaN' || mayBeUnmeasured(expr)),
    ).catch((error: Error) => error.message);
    expect([title, expr, samples]).toEqual([title, expr, expect.any(Array)]);
  }
});

test('each metric of ours is in a panel, and each metric in a panel or rule is exposed', async () => {
  const expressions = [...queries, ...alerts(hurried)].map(({ expr }) => expr).join('\n');
  const used = new Set(expressions.match(/\b(flowplate_|nodejs_|process_)\w+/g));
  const exposed = (await watched.readMetrics('api')) + (await watched.readMetrics('worker'));
  const types = new Map(
    [...exposed.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type]) => [name, type]),
  );
  const familyOf = (name: string) => name.replace(/_(bucket|count|sum)$/, '');
  const missing = [...used].filter((name) => !types.has(name) && types.get(familyOf(name)) !== 'histogram');
  expect(missing).toEqual([]);
  const shown = queries.map(({ expr }) => expr).join('\n');
  expect(Object.keys(catalogue).filter((name) => !shown.includes(name))).toEqual([]);
  expect(foreignMetrics.filter((name) => name !== 'up' && !types.has(name))).toEqual([]);
});

/** These depend on how busy the machine is; `promtool test rules` shows that they can be silent. */
const ofTheMachine = ['FlowplateVerificationSlow', 'FlowplateEventLoopLate', 'FlowplateLimitsNotShared'];

test('no alert fires while all is well', async () => {
  const firing = async () => (await prometheus.firing()).filter((name) => !ofTheMachine.includes(name));
  // Before the first scrapes no process was seen.
  await eventually(20_000, firing, (names) => names.length === 0);
  for (let look = 0; look < 16; look++) {
    await sleep(500);
    expect(await firing()).toEqual([]);
  }
});

async function expectFiring(names: string[], withinMs = 25_000): Promise<void> {
  const seen = new Set<string>();
  await eventually(
    withinMs,
    async () => {
      for (const name of await prometheus.firing()) seen.add(name);
      return names.filter((name) => !seen.has(name));
    },
    (unseen) => unseen.length === 0,
  );
}

test('alerts tell of strangers who try keys', async () => {
  const unknown = () => newSecret('user', 'test', randomBytes);
  const ask = () =>
    watched.api.call('POST /v1/flowplate/api-keys/verify/batch', {
      body: { keys: Array.from({ length: 100 }, () => ({ key: unknown() })) },
    });
  const flood = setInterval(() => void ask().catch(() => undefined), 250);
  await expectFiring(['FlowplateGuessing']).finally(() => clearInterval(flood));
});

test('alerts tell of a usage flush that cannot be read', async () => {
  const client = await readyRedis(redis.current().url);
  await client.hset('fl:usage:flushes', randomUUID(), '{');
  client.disconnect();
  await expectFiring(['FlowplateUsageSetAside']);
});

test('alerts tell of a verifier that hangs: revokes are pending, and it is behind', async () => {
  second.kill('SIGSTOP');
  await expectFiring(['FlowplateRevokesPending', 'FlowplateVerifierBehind', 'FlowplateProcessDown']);
  second.kill('SIGCONT');
});

test('alerts tell that Redis is away', async () => {
  await redis.kill();
  await expectFiring(['FlowplateLimitsNotShared', 'FlowplateDependencyFaults']);
  await redis.restart();
});

test('alerts tell that Postgres is away: the lease is lost, and verifications get no verdict', async () => {
  await postgres.kill();
  await expectFiring(
    ['FlowplateLeaseLost', 'FlowplateVerificationFailing', 'FlowplateVerificationFailingSlowly'],
    leaseMs + 25_000,
  );
});

test('alerts tell that there is no worker, and no API', async () => {
  watched.worker.kill('SIGKILL');
  await expectFiring(['FlowplateWorkerDown']);
  for (const api of [watched.api, second]) api.kill('SIGKILL');
  await expectFiring(['FlowplateApiDown']);
});

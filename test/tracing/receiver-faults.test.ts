import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { type Deployment, deploy, type StartedApi } from '../support/deployment.ts';
import { editSource } from '../support/edited-source.ts';
import { eventually } from '../support/eventually.ts';
import { keyCalls } from '../support/key-calls.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { logLines } from '../support/processes.ts';
import { quietPort } from '../support/quiet-port.ts';
import { freshRedis } from '../support/redis.ts';
import { newTrace, spansOf } from './trees.ts';

const waitMsMax = 10_000;

let deployment: Deployment;

beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  const redis = await freshRedis(inject('redisUrl'));
  deployment = deploy({ databaseUrl: database.url, redisUrl: redis.url });
});

afterAll(endAll);

const verifyOnce = async (api: StartedApi, key: string, headers: Record<string, string> = {}) => {
  const answer = await api.call('POST /v1/flowplate/api-keys/verify', { body: { key }, headers });
  expect(answer.body.code).toBe('VALID');
};

const linesWith = (api: StartedApi, text: string) =>
  logLines(api).filter(({ msg }) => msg?.startsWith(text)).length;

async function end(api: StartedApi): Promise<void> {
  api.kill('SIGTERM');
  expect(await api.exited).toEqual({ code: 0, signal: null });
  expect(api.stderr()).toBe('');
}

test('a caller who does not record its trace is not recorded, and its errors still name the trace', async () => {
  const receiver = await startOtlpReceiver();
  const api = await deployment.startApi({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url } });
  const { key } = await keyCalls(api.call).mint();
  const [off, on] = [newTrace(false), newTrace(true)];
  await verifyOnce(api, key, off.headers);
  await verifyOnce(api, key, on.headers);
  const refused = await api.call('GET /v1/flowplate/nowhere', { headers: off.headers });
  expect(refused.body.error.trace_id).toBe(off.id);
  await end(api);
  expect(spansOf(receiver, on.id)).not.toEqual([]);
  expect(spansOf(receiver, off.id)).toEqual([]);
});

test('the share of a sampler decides where no caller does, and the caller where one does', async () => {
  const receiver = await startOtlpReceiver();
  const env = {
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.url}/v1/traces`,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=ours',
    OTEL_SERVICE_NAME: 'keys',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0',
  };
  const api = await deployment.startApi({ env });
  const { key } = await keyCalls(api.call).mint();
  const trace = newTrace();
  await verifyOnce(api, key);
  await verifyOnce(api, key, trace.headers);
  await end(api);
  const spans = receiver.spans();
  expect([...new Set(spans.map(({ traceId }) => traceId))]).toEqual([trace.id]);
  expect(spans[0]?.resource).toMatchObject({ 'service.name': 'keys', 'deployment.environment.name': 'test' });
  expect(receiver.headers[0]?.['x-tenant']).toBe('ours');
});

test('SIGTERM sends what has not been sent yet', async () => {
  const receiver = await startOtlpReceiver();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '600000' };
  const api = await deployment.startApi({ env });
  const { key } = await keyCalls(api.call).mint();
  const trace = newTrace();
  await verifyOnce(api, key, trace.headers);
  expect(receiver.bodies).toEqual([]);
  await end(api);
  expect(spansOf(receiver, trace.id).length).toBeGreaterThan(0);
});

test('a receiver that is away costs no request, is told once, and is used again when it is back', async () => {
  const port = await quietPort();
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_EXPORTER_OTLP_TIMEOUT: '300',
    OTEL_BSP_SCHEDULE_DELAY: '20',
  };
  const api = await deployment.startApi({ env });
  const { key } = await keyCalls(api.call).mint();
  const told = () => linesWith(api, 'traces cannot be sent');
  await eventually(waitMsMax, told, (count) => count > 0);
  for (let batch = 0; batch < 3; batch++) {
    await verifyOnce(api, key);
    await sleep(400);
  }
  expect(told()).toBe(1);
  const receiver = await startOtlpReceiver(port);
  const trace = newTrace();
  await eventually(
    waitMsMax,
    async () => {
      await verifyOnce(api, key, trace.headers);
      return spansOf(receiver, trace.id).length;
    },
    (count) => count > 0,
  );
  await eventually(
    waitMsMax,
    () => linesWith(api, 'traces are sent again'),
    (count) => count > 0,
  );
  expect(linesWith(api, 'traces are sent again')).toBe(1);
  await end(api);
});

test('a receiver that hangs costs no request, a bounded queue, and two seconds at the end', async () => {
  const receiver = await startOtlpReceiver();
  receiver.hang(true);
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_BSP_SCHEDULE_DELAY: '1',
    OTEL_BSP_MAX_QUEUE_SIZE: '10',
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '5',
    OTEL_EXPORTER_OTLP_TIMEOUT: '60000',
  };
  const api = await deployment.startApi({ env });
  const { key } = await keyCalls(api.call).mint();
  const tookMs: number[] = [];
  for (let calls = 0; calls < 100; calls++) {
    const startedMs = performance.now();
    await verifyOnce(api, key);
    tookMs.push(performance.now() - startedMs);
  }
  expect(tookMs.sort((one, other) => one - other)[50]).toBeLessThan(100);
  const stoppedMs = performance.now();
  await end(api);
  expect(performance.now() - stoppedMs).toBeLessThan(6_000);
  expect(linesWith(api, 'the last traces may be lost')).toBe(1);
}, 30_000);

test.each([
  ['no host', { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' }],
  ['no URL', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'not a url' }],
  ['an unknown sampler', { OTEL_TRACES_EXPORTER: 'otlp', OTEL_TRACES_SAMPLER: 'jaeger_remote' }],
  ['an unknown share', { OTEL_TRACES_EXPORTER: 'otlp', OTEL_TRACES_SAMPLER_ARG: 'all' }],
  ['an unknown exporter', { OTEL_TRACES_EXPORTER: 'zipkin', OTEL_BSP_SCHEDULE_DELAY: '0.5' }],
])('variables of others do not keep it from starting: %s', async (_what, env) => {
  const api = await deployment.startApi({ env: { OTEL_BSP_SCHEDULE_DELAY: '1', ...env } });
  const { key } = await keyCalls(api.call).mint();
  await verifyOnce(api, key);
  await eventually(
    waitMsMax,
    () => logLines(api).filter(({ level }) => level === 'warn').length,
    (count) => count > 0,
  );
  await end(api);
});

test('without its variables nothing of OpenTelemetry is loaded', async () => {
  const edit = {
    file: 'src/tracing/open-telemetry.ts',
    from: '/** A receiver that hangs',
    to: "throw new Error('loaded');\n/** A receiver that hangs",
  };
  const source = await editSource([edit]);
  for (const env of [{}, { OTEL_TRACES_EXPORTER: 'none' }, switchedOff]) {
    const api = await deployment.startApi({ source, env });
    await keyCalls(api.call).mint();
    await end(api);
  }
  const on = { OTEL_TRACES_EXPORTER: 'otlp' };
  await expect(deployment.startApi({ source, env: on })).rejects.toThrow('loaded');
});

const switchedOff = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', OTEL_SDK_DISABLED: 'true' };

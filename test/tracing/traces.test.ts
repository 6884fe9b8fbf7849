import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { digestSecret } from '../../src/domain/key-digest.ts';
import { Stamps } from '../../src/domain/stamp.ts';
import { keyspace } from '../../src/stores/redis/keyspace.ts';
import { readRefusalsOfRequest } from '../../src/stores/redis/refusals.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { type Deployment, deploy, type StartedApi } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { keyCalls, organization } from '../support/key-calls.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { withConnection } from '../support/query.ts';
import { freshRedis } from '../support/redis.ts';
import { newTrace, spansOf, treeOf } from './trees.ts';

const waitMsMax = 10_000;
const keysPath = '/v1/flowplate/api-keys';
const insertMint =
  'SELECT environments SELECT organizations INSERT api_keys INSERT audit_events INSERT idempotency_keys INSERT master_key_mints';

const lookUp =
  'SELECT key_stops SELECT key_stops api_keys organizations SELECT api_keys SELECT database_histories SELECT key_changes SELECT waiting_keys api_keys organizations SELECT database_histories SELECT key_changes';

let deployment: Deployment;
let receiver: OtlpReceiver;
let api: StartedApi;
let flushRedis: () => Promise<void>;

beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  const redis = await freshRedis(inject('redisUrl'));
  flushRedis = redis.flush;
  receiver = await startOtlpReceiver();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '20' };
  deployment = deploy({ databaseUrl: database.url, redisUrl: redis.url }, env);
  api = await deployment.startApi();
  // The organization and its environment exist from here on: a mint is one statement. The
  // connection for look-ups is open: forward auth gives up after 150 ms, and opening may take them.
  const { key } = await keyCalls(api.call).mint();
  expect(await keyCalls(api.call).codeOf(key)).toBe('VALID');
}, 60_000);

afterAll(endAll);

/** Everything of a trace, once the span of the request is there: it ends last. */
function finished(traceId: string): Promise<ReceivedSpan[]> {
  return eventually(
    waitMsMax,
    () => spansOf(receiver, traceId),
    (spans) => spans.some(({ kind }) => kind === 'server'),
  );
}

/** A mint is answered before its record is in Redis. */
async function recordIsThere(key: string): Promise<void> {
  const redis = new Redis(deployment.env.REDIS_URL as string);
  const [pepper] = readConfig(deployment.env).FLOWPLATE_PEPPERS;
  const name = keyspace.record(digestSecret(pepper, key).digest);
  const exists = () => redis.exists(name);
  await eventually(waitMsMax, exists, (found) => found === 1).finally(() => redis.disconnect());
}

describe('the trace of one call', () => {
  test('a mint is a span below its caller, and its statement one below that', async () => {
    const trace = newTrace();
    const body = { user_id: 'traced', organization_id: organization };
    const startedMs = Date.now();
    const answer = await api.call(`POST ${keysPath}`, { body, headers: trace.headers });
    expect(answer.status).toBe(201);
    const spans = await finished(trace.id);
    // The answer may be read here before the API process comes to end its span.
    const tookMs = Date.now() - startedMs;
    expect(treeOf(spans, trace.callersSpan)).toEqual([
      [`server POST ${keysPath}`, [[`client ${insertMint}`, []]]],
    ]);
    const [request, statement] = [named(spans, `POST ${keysPath}`), named(spans, insertMint)];
    expect(request.attributes).toEqual({
      'http.request.method': 'POST',
      'url.scheme': 'http',
      'http.route': keysPath,
      'http.response.status_code': 201,
    });
    expect(request.isFailed).toBe(false);
    expect(request.resource).toMatchObject({ 'service.name': 'flowplate-api' });
    const { hostname, port, pathname } = new URL(deployment.env.DATABASE_URL as string);
    expect(statement.attributes).toEqual({
      'db.system.name': 'postgresql',
      'db.query.summary': insertMint,
      'db.namespace': pathname.slice(1),
      'server.address': hostname,
      'server.port': Number(port),
    });
    expectInside(statement, request);
    expect(msOf(request)).toBeGreaterThan(0);
    expect(msOf(request)).toBeLessThanOrEqual(tookMs + 1);
  });

  test('forward auth of a key that no cache has asks Redis and Postgres, and from then on nobody', async () => {
    const ask = async (key: string) => {
      const trace = newTrace();
      const headers = { ...trace.headers, 'x-api-key': key };
      const { status } = await api.call('GET /v1/flowplate/authz/orders/7?page=2', { headers });
      return { status, key, trace, spans: await finished(trace.id) };
    };
    const askCold = async () => {
      const { key } = await keyCalls(api.call).mint();
      await recordIsThere(key);
      await flushRedis();
      return ask(key);
    };
    // A busy machine may miss the deadline of a look-up.
    const cold = await eventually(10_000, askCold, ({ status }) => status !== 503);
    expect(cold.status).toBe(200);
    const request = named(cold.spans, 'GET /v1/flowplate/authz');
    // The record is stored in Redis beside the answer, and not before it.
    const upTo = cold.spans.filter(({ name }) => name !== 'SET');
    expect(treeOf(upTo, cold.trace.callersSpan)).toEqual([
      [
        'server GET /v1/flowplate/authz',
        [
          ['client MGET', []],
          [`client ${lookUp}`, []],
        ],
      ],
    ]);
    expect(request.attributes).toEqual({
      'http.request.method': 'GET',
      'url.scheme': 'http',
      'http.route': '/v1/flowplate/authz',
      'http.response.status_code': 200,
    });
    const { hostname, port, pathname } = new URL(deployment.env.REDIS_URL as string);
    expect(named(cold.spans, 'MGET').attributes).toEqual({
      'db.system.name': 'redis',
      'db.operation.name': 'MGET',
      'db.namespace': pathname.slice(1) || '0',
      'server.address': hostname,
      'server.port': Number(port),
    });
    for (const name of ['MGET', lookUp]) expectInside(named(cold.spans, name), request);
    const warm = await ask(cold.key);
    expect(warm.status).toBe(200);
    expect(treeOf(warm.spans, warm.trace.callersSpan)).toEqual([['server GET /v1/flowplate/authz', []]]);
  });

  test('a revoke shows its transaction and then its wait for propagation', async () => {
    const { userId } = await keyCalls(api.call).mint();
    const trace = newTrace();
    const path = `${keysPath}/${userId}/${organization}`;
    await api.call(`DELETE ${path}`, { headers: trace.headers });
    const spans = await finished(trace.id);
    const [[root, children] = ['', []]] = treeOf(spans, trace.callersSpan);
    expect(root).toBe(`server DELETE ${keysPath}/:user_id/:org_id`);
    expect(children.map(([name]) => name).slice(-2)).toEqual([
      'client COMMIT',
      'internal wait for propagation',
    ]);
    expect(named(spans, 'wait for propagation').attributes).toEqual({
      'flowplate.propagation': 'complete',
      'flowplate.propagation.acknowledged': 1,
      'flowplate.propagation.total': 1,
    });
  });

  test.each([
    ['POST /v1/flowplate/api-keys/verify', { key: 'fl_user_test_nothing' }],
    ['POST /v1/flowplate/api-keys/verify/batch', { keys: [] }],
    ['POST /v1/flowplate/introspect', 'token=nothing'],
    ['GET /health/ready', undefined],
    ['GET /api/v1/platform/users', undefined],
  ])('%s goes on with the trace of its caller', async (operation, body) => {
    const trace = newTrace();
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const headers = { ...trace.headers, ...(typeof body === 'string' && form) };
    await api.call(operation, { headers, ...(body !== undefined && { body }) });
    const spans = await finished(trace.id);
    expect(treeOf(spans, trace.callersSpan)[0]?.[0]).toBe(`server ${operation}`);
  });

  test('a limited key that comes with its body shows the command that spent its limit', async () => {
    const limits = { rate_limit: { limit: 5, window_seconds: 60 } };
    const { key } = await keyCalls(api.call).mint(limits);
    const trace = newTrace();
    await api.call(`POST ${keysPath}/verify`, { body: { key }, headers: trace.headers });
    expect((await finished(trace.id)).map(({ name }) => name)).toContain('EVALSHA');
  });

  test('a job of the worker is a trace of its own, with its statements', async () => {
    const worker = await deployment.startWorker();
    const job = await eventually(
      waitMsMax,
      () => receiver.spans().find(({ name }) => name === 'job seal-audit'),
      (found) => found !== undefined,
    );
    expect(job?.parentSpanId).toBeUndefined();
    expect(job?.kind).toBe('internal');
    expect(job?.attributes).toEqual({ 'flowplate.job.name': 'seal-audit' });
    expect(job?.resource).toMatchObject({ 'service.name': 'flowplate-worker' });
    const below = spansOf(receiver, job?.traceId ?? '').filter((span) => span !== job);
    expect(below.map(({ name }) => name)).toContain('BEGIN');
    worker.kill('SIGTERM');
    expect(await worker.exited).toEqual({ code: 0, signal: null });
  });
});

describe('failures', () => {
  test('a refusal is no failure of the broker, and the path it was asked with is not told', async () => {
    const trace = newTrace();
    await api.call('GET /v1/flowplate/nowhere/secret-in-a-path', { headers: trace.headers });
    const [span] = await finished(trace.id);
    expect([span?.name, span?.isFailed]).toEqual(['GET', false]);
    expect(span?.attributes).toEqual({
      'http.request.method': 'GET',
      'url.scheme': 'http',
      'http.response.status_code': 404,
    });
  });

  test('the error of a statement is told by its code, never by what it says', async () => {
    const trace = newTrace();
    const body = { user_id: 'unlucky', organization_id: organization };
    await withConnection(deployment.env.DATABASE_URL as string, async (client) => {
      await client.query('ALTER TABLE audit_events RENAME TO away');
      const answer = await api.call(`POST ${keysPath}`, { body, headers: trace.headers });
      await client.query('ALTER TABLE away RENAME TO audit_events');
      expect(answer.status).toBe(500);
    });
    const spans = await finished(trace.id);
    const [request, statement] = [named(spans, `POST ${keysPath}`), named(spans, insertMint)];
    expect([request.isFailed, request.attributes['error.type']]).toEqual([true, '500']);
    expect(statement.isFailed).toBe(true);
    expect(statement.attributes).toMatchObject({ 'error.type': '42P01', 'db.response.status_code': '42P01' });
    expect(receiver.bodies.join()).not.toContain('does not exist');
  });
});

describe('trace_id of an error', () => {
  test.each([
    ['Express', 'GET /v1/flowplate/nowhere', undefined],
    ['a door', 'POST /v1/flowplate/api-keys/verify', '{'],
    ['forward auth', 'GET /v1/flowplate/authz', undefined],
  ])('is the id of its trace at %s, and x-request-id stays beside it', async (_where, operation, body) => {
    const trace = newTrace();
    const headers = { ...trace.headers, 'x-request-id': 'mine' };
    const answer = await api.call(operation, { headers, ...(body !== undefined && { body }) });
    expect((answer.body.error ?? answer.body).trace_id).toBe(trace.id);
    expect(answer.headers.get('x-request-id')).toBe('mine');
  });

  test('finds the refusal of a key at forward auth, and so does the request id', async () => {
    const { key, keyId } = await keyCalls(api.call).mint();
    const trace = newTrace();
    const headers = { ...trace.headers, 'x-request-id': 'refused-and-traced', 'x-api-key': key };
    const refused = await api.call('GET /v1/flowplate/authz', {
      headers: { ...headers, 'x-flowplate-required-scopes': 'absent' },
    });
    expect(refused.body.trace_id).toBe(trace.id);
    const redis = new Redis(deployment.env.REDIS_URL as string);
    atEnd(() => redis.disconnect());
    const refusalStamps = new Stamps(readConfig(deployment.env).FLOWPLATE_PEPPERS, 'refusals');
    const found = (id: string) => readRefusalsOfRequest({ redis, refusalStamps }, id, Date.now());
    for (const id of [trace.id, 'refused-and-traced']) {
      const [refusal] = await eventually(
        waitMsMax,
        () => found(id),
        ({ length }) => length > 0,
      );
      expect(refusal).toMatchObject({ keyId, code: 'INSUFFICIENT_SCOPE', traceId: trace.id });
    }
  });

  test('is that of the broker where the caller does not trace, and the log has it too', async () => {
    const answer = await api.call('GET /v1/flowplate/nowhere');
    const { trace_id: traceId } = answer.body.error;
    expect(traceId).toMatch(/^[0-9a-f]{32}$/);
    expect((await finished(traceId))[0]?.parentSpanId).toBeUndefined();
    await eventually(
      waitMsMax,
      () => api.stdout(),
      (log) => log.includes(`"trace_id":"${traceId}"`),
    );
  });

  test.each([
    ['zeros', `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`],
    ['a version that is none', `ff-${'1'.repeat(32)}-${'1'.repeat(16)}-01`],
    ['no hexadecimals', `00-${'g'.repeat(32)}-${'1'.repeat(16)}-01`],
    ['two in one', `00-${'1'.repeat(32)}-${'1'.repeat(16)}-01, 00-${'2'.repeat(32)}-${'2'.repeat(16)}-01`],
  ])('a traceparent of %s begins a new trace', async (_what, traceparent) => {
    const answer = await api.call('GET /v1/flowplate/nowhere', { headers: { traceparent } });
    const spans = await finished(answer.body.error.trace_id);
    expect(spans[0]?.parentSpanId).toBeUndefined();
  });
});

function named(spans: readonly ReceivedSpan[], name: string): ReceivedSpan {
  const [span, ...others] = spans.filter((one) => one.name === name);
  if (span === undefined || others.length > 0) throw new Error(`${others.length + 1} spans "${name}"`);
  return span;
}

/** The SDK takes the start of a span in whole milliseconds, and its end from an exact duration. */
const startPrecisionNs = 1_000_000n;

function expectInside(child: ReceivedSpan, parent: ReceivedSpan): void {
  expect(child.startNs >= parent.startNs).toBe(true);
  expect(child.endNs <= parent.endNs + startPrecisionNs).toBe(true);
  expect(child.endNs > child.startNs).toBe(true);
}

function msOf({ startNs, endNs }: ReceivedSpan): number {
  return Number(endNs - startNs) / 1e6;
}

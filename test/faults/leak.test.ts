import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { openBroker } from '../../scripts/admin/open-broker.ts';
import { readConfig } from '../../src/config.ts';
import { listen } from '../../src/process/serve-http.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { newAuthority } from '../support/certificates.ts';
import { cloneDatabase } from '../support/database.ts';
import { type Deployment, deploy, type Started, type StartedApi } from '../support/deployment.ts';
import { editSource } from '../support/edited-source.ts';
import { eventually } from '../support/eventually.ts';
import { keyCalls, organization } from '../support/key-calls.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { ownRedis } from '../support/own-stores.ts';
import { platformKey } from '../support/platform-callers.ts';
import { logLines, runScript } from '../support/processes.ts';
import { query, withConnection } from '../support/query.ts';
import { quietPort } from '../support/quiet-port.ts';
import { dumpPostgres, dumpRedis, findSecrets } from '../support/store-dump.ts';
import { type Receiver, startReceiver } from '../support/webhook-receiver.ts';
import { putEverywhere, textOf } from './careless-caller.ts';

const waitMsMax = 10_000;
const chosenMasterKey = `chosen-${randomBytes(24).toString('hex')}`;
const idempotencyKey = `repeat-${randomBytes(16).toString('hex')}`;

let databaseUrl: string;
let redisUrl: string;
let deployment: Deployment;
let api: StartedApi;
let worker: Started;
let metrics: string[];
let traces: OtlpReceiver;
let receiver: Receiver;
let ndjsonFile: string;
/** What came over syslog. */
let syslog: string[];
/** Each command that Redis got. */
const commands: string[] = [];
/** All but the answers whose purpose is to hand over a secret. */
const answers: string[] = [];
const secrets: string[] = [];
/** Parts of addresses of webhooks, which may be secret: the API and Postgres alone have them. */
const addresses: string[] = [];
/** No secrets, but names of somebody: without bound, and none of a trace's business. */
const openNames: string[] = [];

/** Secret part of a key: all but its public prefix. */
const hiddenPart = (key: string) => key.slice(-38);

beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  databaseUrl = database.url;
  redisUrl = (await ownRedis()).current().url;
  await watchRedis();
  traces = await startOtlpReceiver();
  receiver = await startReceiver();
  atEnd(() => receiver.close());
  const directory = await mkdtemp(join(tmpdir(), 'flowplate-test-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  ndjsonFile = join(directory, 'audit.ndjson');
  const env = {
    ...(await startSyslog(directory)),
    AUDIT_NDJSON_FILE: ndjsonFile,
    WEBHOOK_INTERNAL_RANGES: '127.0.0.0/8',
    LOG_LEVEL: 'debug',
    FLOWPLATE_MASTER_KEY: chosenMasterKey,
    OTEL_EXPORTER_OTLP_ENDPOINT: traces.url,
    OTEL_BSP_SCHEDULE_DELAY: '100',
  };
  deployment = deploy({ databaseUrl, redisUrl }, env);
  const [ofApi, ofWorker] = [String(await quietPort()), String(await quietPort())];
  api = await deployment.startApi({ env: { METRICS_PORT: ofApi } });
  worker = await deployment.startWorker({ env: { WORKER_METRICS_PORT: ofWorker } });
  metrics = [ofApi, ofWorker].map((port) => `http://127.0.0.1:${port}/metrics`);
  await liveThroughEverything();
}, 120_000);

afterAll(endAll);

/** A receiver of syslog over TLS; the settings that lead to it. */
async function startSyslog(directory: string): Promise<Record<string, string>> {
  const authority = await newAuthority(directory, 'syslog');
  const own = await authority.issue({ alternativeNames: 'IP:127.0.0.1', purpose: 'serverAuth' });
  const [key, cert] = await Promise.all([readFile(own.key), readFile(own.certificate)]);
  syslog = [];
  const server = createServer({ key, cert, allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => syslog.push(chunk.toString())).on('end', () => socket.end());
  });
  const port = await listen(server, 0, '127.0.0.1');
  atEnd(() => void server.close());
  return { AUDIT_SYSLOG_URL: `syslog+tls://127.0.0.1:${port}`, AUDIT_SYSLOG_CA_FILE: authority.certificate };
}

/**
 * Jobs of a queue are gone when they are done, so their commands are looked at. Begun while nobody
 * else sends any: ioredis mistakes a command that comes with the answer to MONITOR for an answer.
 */
async function watchRedis(): Promise<void> {
  const monitor = await new Redis(redisUrl).monitor();
  atEnd(() => monitor.disconnect());
  monitor.on('monitor', (_time, args: string[]) => commands.push(args.join(' ')));
}

/**
 * One endpoint that takes events and one that refuses them. Their answers repeat secrets. Returns a
 * function that waits for deliveries and a dead letter.
 */
async function createWebhooks(): Promise<(key: string) => Promise<void>> {
  const shell = await openBroker(readConfig(deployment.env));
  atEnd(() => shell.close());
  const operator = await platformKey({ db: shell.db, api: { parts: shell } });
  const call = (operation: string, body?: unknown) =>
    api.call(operation, { as: null, headers: operator.headers, ...(body !== undefined && { body }) });
  const path = '/api/v1/platform/webhooks';
  const told = [operator.secret];
  receiver.answer((one, res) => {
    res.writeHead(one.path.startsWith('/takes') ? 200 : 500).end(`They told me ${told.join(' and ')}`);
  });
  for (const name of ['takes', 'refuses']) {
    const token = randomBytes(18).toString('hex');
    addresses.push(token);
    const url = new URL(`/${name}/${token}?token=${token}`, receiver.url).href;
    const { body: created } = await call(`POST ${path}`, { url, types: ['*'], description: name });
    const { body: rotated } = await call(`POST ${path}/${created.id}/rotate-secret`);
    for (const { secret } of [created, rotated]) {
      const encoded = secret.slice('whsec_'.length);
      told.push(secret);
      secrets.push(encoded, Buffer.from(encoded, 'base64').toString('hex'));
    }
    answers.push(textOf(await call(`POST ${path}/${created.id}/test`)), textOf(await call(`GET ${path}`)));
  }
  secrets.push(hiddenPart(operator.secret));
  const count = async (condition: string) =>
    (await query(databaseUrl, `SELECT FROM webhook_deliveries WHERE ${condition}`)).length;
  return async (key) => {
    told.push(key);
    await eventually(
      waitMsMax,
      () => count(`status = 'delivered' AND attempts = 1`),
      (found) => found > 10,
    );
    await eventually(
      waitMsMax,
      () => count(`status = 'pending'`),
      (found) => found > 0,
    );
    // The last of its retries.
    await query(
      databaseUrl,
      `UPDATE webhook_deliveries SET attempts = 9, next_attempt_at = now() WHERE status = 'pending'`,
    );
    await eventually(
      waitMsMax,
      () => count(`status = 'dead' AND seq IS NOT NULL`),
      (found) => found > 0,
    );
    for (const { id } of (await call(`GET ${path}`)).body) {
      answers.push(textOf(await call(`GET ${path}/${id}/deliveries`)));
    }
  };
}

async function liveThroughEverything(): Promise<void> {
  const keys = keyCalls(api.call);
  const settleWebhooks = await createWebhooks();
  const [plain, limited, ended] = [
    await keys.mint(),
    await keys.mint({ rate_limit: { limit: 2, window_seconds: 3_600 }, quota: { limit: 9, period: 'day' } }),
    await keys.mint(),
  ];
  const successor = (await keys.refresh(plain.userId)).new_key.key as string;
  const repeated = await mintTwice();
  const generated = await createMasterKey();
  await keys.revoke(ended.userId);
  const minted = [plain.key, limited.key, ended.key, successor, repeated];
  for (const key of [...minted, ...minted, ...minted]) answers.push(textOf(await keys.verify(key)));
  for (const { keyId } of [plain, limited]) answers.push(JSON.stringify(await keys.show(keyId)));
  for (const secret of [successor, generated, chosenMasterKey, idempotencyKey]) {
    answers.push(...(await putEverywhere(api.call, secret)).map(textOf));
  }
  answers.push(...(await meetFaults(successor)));
  const pepper = (deployment.env.FLOWPLATE_PEPPERS as string).slice('p1:'.length);
  secrets.push(...[...minted, generated].map(hiddenPart), chosenMasterKey, idempotencyKey, pepper);
  openNames.push(...[plain, limited, ended].flatMap(({ keyId, userId }) => [keyId, userId]), organization);
  secrets.push(new URL(databaseUrl).password, new URL(redisUrl).password);
  await eventually(
    waitMsMax,
    () => keys.show(limited.keyId),
    ({ usage }) => usage.refused_requests > 0,
  );
  await settleWebhooks(successor);
}

async function mintTwice(): Promise<string> {
  const request = {
    body: { user_id: 'repeated', organization_id: organization },
    headers: { 'idempotency-key': idempotencyKey },
  };
  const [first, second] = [
    await api.call('POST /v1/flowplate/api-keys', request),
    await api.call('POST /v1/flowplate/api-keys', request),
  ];
  expect(second.body.key).toBe(first.body.key);
  return first.body.key;
}

async function createMasterKey(): Promise<string> {
  const args = ['create', '--name', 'generated', '--json'];
  const { stdout } = await runScript('scripts/master-keys.ts', { env: deployment.env, args });
  return JSON.parse(stdout).key;
}

/**
 * Faults of the database are logged with their cause: one that says "not now" and one that nobody
 * expects.
 */
async function meetFaults(key: string): Promise<string[]> {
  const body = { user_id: 'unlucky', organization_id: organization };
  const mint = () =>
    api.call('POST /v1/flowplate/api-keys', { body, headers: { 'idempotency-key': `${idempotencyKey}-2` } });
  return withConnection(databaseUrl, async (client) => {
    await client.query('ALTER TABLE audit_events RENAME TO away');
    const unexpected = await mint();
    await client.query('ALTER TABLE away RENAME TO audit_events');
    await client.query('BEGIN');
    await client.query('LOCK TABLE api_keys, idempotency_keys');
    const notNow = await Promise.all([
      mint(),
      keyCalls(api.call).verify(`${key.slice(0, -1)}_`),
      keyCalls(api.call).mint().catch(String),
    ]);
    await client.query('COMMIT');
    expect(unexpected.status).toBe(500);
    return [textOf(unexpected), ...notNow.map((answer) => JSON.stringify(answer))];
  });
}

test('no secret is in any log line, at the most talkative level', () => {
  const written = [api, worker].flatMap((running) => [...running.stdout().split('\n'), running.stderr()]);
  expect(logLines(api).length).toBeGreaterThan(50);
  expect(logLines(worker).some(({ msg }) => msg === 'job done')).toBe(true);
  expect(findSecrets(written, [...secrets, ...addresses])).toEqual([]);
});

test('no secret is in any answer but those that hand one over, nor in the metrics', async () => {
  const read = await Promise.all(metrics.map(async (url) => (await fetch(url)).text()));
  expect(answers.length).toBeGreaterThan(100);
  expect(read.every((text) => text.includes('flowplate_'))).toBe(true);
  expect(findSecrets([...answers, ...read], secrets)).toEqual([]);
});

test('no secret is in any trace, nor an id of a key, a user or an organization', async () => {
  const names = () => new Set(traces.spans().map(({ name }) => name));
  await eventually(
    waitMsMax,
    () => names(),
    (seen) => seen.has('EVALSHA') && seen.has('GET /v1/flowplate/authz') && seen.has('job roll-up-usage'),
  );
  const spans = traces.spans();
  expect(spans.filter(({ kind }) => kind === 'server').length).toBeGreaterThan(100);
  expect(spans.some(({ isFailed }) => isFailed)).toBe(true);
  expect(findSecrets(traces.bodies, [...secrets, ...addresses, ...openNames])).toEqual([]);
});

test('no secret is in an event that a webhook got, nor in the audit streams, by syslog and as NDJSON', async () => {
  const events = receiver.received.map(({ headers, body }) => `${JSON.stringify(headers)} ${body}`);
  const streams = [...syslog, ...(await readFile(ndjsonFile, 'utf8')).split('\n')];
  for (const text of [events.join(), syslog.join(), streams.join()]) {
    expect(text).toContain('key.minted');
    expect(text).toContain('webhook.secret_rotated');
  }
  expect(findSecrets(events, secrets)).toEqual([]);
  expect(findSecrets(streams, [...secrets, ...addresses])).toEqual([]);
});

test('no secret is in Redis, in keys, values or queued jobs, nor in any row of Postgres', async () => {
  const [redis, postgres] = await Promise.all([dumpRedis(redisUrl), dumpPostgres(databaseUrl)]);
  for (const part of ['fl;', 'fl:limit:', '{fl:jobs}']) {
    expect(redis.some((entry) => entry.includes(part))).toBe(true);
  }
  const tables = ['api_keys', 'master_keys', 'audit_events', 'idempotency_keys', 'usage_totals', 'webhooks'];
  for (const table of tables) expect(postgres.some((row) => row.startsWith(table))).toBe(true);
  // Endpoints repeated their secrets, and a key: what is kept of an answer has them redacted.
  const kept = postgres.filter((row) => row.startsWith('webhook_deliveries'));
  for (const part of ['delivered', 'dead', 'They told me', 'whsec_…', 'flplatform_']) {
    expect(kept.some((row) => row.includes(part))).toBe(true);
  }
  expect(commands.some((command) => command.includes('webhooks'))).toBe(true);
  expect(findSecrets([...redis, ...commands], [...secrets, ...addresses])).toEqual([]);
  expect(findSecrets(postgres, secrets)).toEqual([]);
});

test('stored digests and hashes cannot be used as keys', async () => {
  const keys = keyCalls(api.call);
  const stored = await query(
    databaseUrl,
    `SELECT digest FROM api_keys UNION ALL SELECT digest FROM master_keys WHERE digest IS NOT NULL
     UNION ALL SELECT convert_to(password_hash, 'UTF8') FROM master_keys WHERE password_hash IS NOT NULL`,
  );
  expect(stored.length).toBeGreaterThan(6);
  for (const { digest } of stored) {
    for (const form of ['hex', 'base64', 'base64url', 'utf8'] as const) {
      const text = (digest as Buffer).toString(form);
      expect(await keys.codeOf(text)).toBe('MALFORMED');
      if (form === 'utf8' && !text.startsWith('$argon2')) continue;
      expect((await api.call('GET /v1/flowplate/api-keys', { as: text })).status).toBe(401);
    }
  }
  const [row] = await query(databaseUrl, 'SELECT encode(id, $1) AS id FROM idempotency_keys', ['hex']);
  const body = { user_id: 'repeated', organization_id: organization };
  const answer = await api.call('POST /v1/flowplate/api-keys', {
    body,
    headers: { 'idempotency-key': row?.id },
  });
  expect([answer.status, answer.body.error.code]).toEqual([409, 'KEY_ALREADY_EXISTS']);
});

const carelessLine = {
  file: 'src/http/request-log.ts',
  from: 'method: req.method,\n          route,',
  to: 'url: req.url, headers: req.headers, method: req.method,\n          route,',
};
const withoutRedaction = [
  { file: 'src/log.ts', from: 'paths: [...redactedPaths]', to: 'paths: []' },
  { file: 'src/log.ts', from: 'hooks: { streamWrite: redact },', to: '' },
  { file: 'src/log.ts', from: '  requireRedaction();\n', to: '' },
];

test('a line that was written carelessly holds no secret, and without redaction it would', async () => {
  const written: string[][] = [];
  for (const edits of [[carelessLine], [carelessLine, ...withoutRedaction]]) {
    const running = await deployment.startApi({ source: await editSource(edits) });
    const { key } = await keyCalls(running.call).mint();
    await running.call(`GET /v1/flowplate/api-keys?user_id=${key}`);
    await eventually(
      waitMsMax,
      () => logLines(running).length,
      (count) => count >= 4,
    );
    expect(running.stdout()).toContain('"url":');
    written.push(findSecrets(running.stdout().split('\n'), [hiddenPart(key), chosenMasterKey]));
  }
  expect(written[0]).toEqual([]);
  expect(written[1]).not.toEqual([]);
});

test('control arm: a span that told the path would tell secrets', async () => {
  const spans = {
    file: 'src/tracing/spans.ts',
    from: "[ATTR_URL_SCHEME]: 'http'",
    to: "[ATTR_URL_SCHEME]: 'http', 'url.full': req.url",
  };
  const receiver = await startOtlpReceiver();
  const running = await deployment.startApi({
    source: await editSource([spans]),
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url },
  });
  const { key } = await keyCalls(running.call).mint();
  await running.call(`GET /v1/flowplate/api-keys?user_id=${key}`);
  await eventually(
    waitMsMax,
    () => receiver.spans(),
    (sent) => sent.some(({ name }) => name === 'GET /v1/flowplate/api-keys'),
  );
  expect(findSecrets(receiver.bodies, [hiddenPart(key)])).not.toEqual([]);
});

test('control arm: a secret in a store is found in any type and form', async () => {
  const [secret = ''] = secrets;
  const client = new Redis(redisUrl);
  await client.set('planted:string', `…${secret}…`);
  await client.hset('planted:hash', 'field', secret);
  await client.rpush('planted:list', Buffer.from(secret).toString('hex'));
  await client.sadd('planted:set', secret);
  await client.zadd('planted:zset', 1, secret);
  await client.xadd('planted:stream', '*', 'field', secret);
  await client.set(`planted:${secret}`, '');
  client.disconnect();
  await query(databaseUrl, 'CREATE TABLE planted AS SELECT $1::bytea AS bytes', [Buffer.from(secret)]);
  expect(findSecrets(await dumpRedis(redisUrl), secrets)).toHaveLength(7);
  expect(findSecrets(await dumpPostgres(databaseUrl), secrets)).toHaveLength(1);
});

import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { newId } from '../../src/domain/ids.ts';
import { type Database, openDatabase } from '../../src/stores/postgres/database.ts';
import { openPool } from '../../src/stores/postgres/pool.ts';
import { findLastSeal, insertWebhook } from '../../src/stores/postgres/webhooks/webhooks.ts';
import { newWebhookSecret, sealWebhookSecret } from '../../src/usecases/webhooks/webhook-secret.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { seal, writeEvents } from '../support/audit-chain.ts';
import { cloneDatabase } from '../support/database.ts';
import { type Deployment, deploy } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { type OwnServer, ownRedis } from '../support/own-stores.ts';
import { type Moment, startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { type Receiver, startReceiver } from '../support/webhook-receiver.ts';
import { end, withRedis } from './counted.ts';

let databaseUrl: string;
let db: Database;
let redis: OwnServer<{ url: string; port: number }>;
let deployment: Deployment;
let toPostgres: TcpProxy;
let receiver: Receiver;

beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  databaseUrl = database.url;
  const pool = { databaseUrl, applicationName: 'test', connectionsMax: 2, connectTimeoutMs: 5_000 };
  db = openDatabase(
    openPool({ ...pool, statementTimeoutMs: 30_000, lockTimeoutMs: 10_000 }, () => undefined),
  );
  atEnd(() => db.destroy());
  redis = await ownRedis();
  deployment = deploy(
    { databaseUrl, redisUrl: redis.current().url },
    { WEBHOOK_INTERNAL_RANGES: '127.0.0.0/8' },
  );
  toPostgres = await startTcpProxy(Number(new URL(databaseUrl).port));
  receiver = await startReceiver();
  atEnd(() => receiver.close());
});
afterAll(endAll);

const keyring = () => readConfig(deployment.env).FLOWPLATE_PEPPERS;

/** An endpoint at this path of the receiver. */
async function createWebhook(path: string): Promise<void> {
  const id = newId('webhook', new Date(), randomBytes);
  const secret = sealWebhookSecret(keyring(), id, newWebhookSecret(randomBytes));
  const url = new URL(path, receiver.url).href;
  const settings = { url, types: ['key.revoked'], organizationId: null, description: null, enabled: true };
  const position = await findLastSeal(db);
  await db
    .transaction()
    .execute((tx) => insertWebhook(tx, { ...settings, id, secret, position, createdAt: new Date() }));
}

/** Ids of the written events in their sealed order. */
async function sealedIds(ids: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    SELECT event_id AS id FROM audit_seals WHERE event_id = ANY(${[...ids]}::text[]) ORDER BY seq`.execute(
    db,
  );
  return rows.map(({ id }) => id);
}

const arrived = (path: string) => [...new Set(receiver.ids(path))];

async function waitForAll(path: string, ids: readonly string[]): Promise<void> {
  await eventually(
    60_000,
    () => arrived(path).length,
    (count) => count >= ids.length,
  );
}

const killPoints: ReadonlyArray<{ text: string; moment: Moment }> = [
  { text: 'UPDATE webhooks SET served_by', moment: 'before' },
  { text: 'UPDATE webhooks SET served_by', moment: 'after' },
  { text: 'WITH page AS MATERIALIZED', moment: 'before' },
  // What was sent is not stored, and is sent once more.
  { text: 'INSERT INTO webhook_deliveries', moment: 'before' },
  { text: 'INSERT INTO webhook_deliveries', moment: 'after' },
  { text: 'served_by = NULL', moment: 'before' },
];

test('a worker killed -9 at every step of a delivery loses no event, and keeps ids and order', async () => {
  await createWebhook('/killed');
  const ids: string[] = [];
  const url = new URL(databaseUrl);
  url.port = String(toPostgres.port);
  for (const { text, moment } of killPoints) {
    ids.push(...(await writeEvents(db, 3)).map(({ id }) => id));
    // The lease of the killed worker lapses, and its job is lost.
    await sql`UPDATE webhooks SET served_until = NULL`.execute(db);
    await withRedis(redis.current().url, (client) => client.flushall());
    const tripped = Promise.withResolvers<void>();
    toPostgres.arm({ text, moment, trip: tripped.resolve });
    const worker = await deployment.launchWorker({ env: { DATABASE_URL: url.href } });
    onTestFinished(() => worker.kill('SIGKILL'));
    await tripped.promise;
    worker.kill('SIGKILL');
    await worker.exited;
  }
  const worker = await deployment.startWorker();
  onTestFinished(() => worker.kill('SIGKILL'));
  await waitForAll('/killed', ids);
  expect(arrived('/killed')).toEqual(await sealedIds(ids));
  await end(worker);
}, 120_000);

test('Redis emptied with 10,000 deliveries waiting: all come, none is lost, and ids are unchanged', async () => {
  await sql`DELETE FROM webhooks`.execute(db);
  await createWebhook('/emptied');
  const ids = (await writeEvents(db, 10_000)).map(({ id }) => id);
  await seal(db, keyring());
  const worker = await deployment.startWorker();
  onTestFinished(() => worker.kill('SIGKILL'));
  for (const share of [0, 2_000, 5_000]) {
    await eventually(
      60_000,
      () => arrived('/emptied').length,
      (count) => count > share,
    );
    await withRedis(redis.current().url, (client) => client.flushall());
  }
  await waitForAll('/emptied', ids);
  expect(arrived('/emptied')).toEqual(await sealedIds(ids));
  await end(worker);
}, 120_000);

test('while workers are killed -9 and Redis is emptied in mid-flight, two endpoints get exactly what was committed, in order', async () => {
  await sql`DELETE FROM webhooks`.execute(db);
  for (const path of ['/one', '/two']) await createWebhook(path);
  const ids: string[] = [];
  // Another worker is always there to go on.
  const workers = [await deployment.startWorker(), await deployment.startWorker()];
  onTestFinished(() => {
    for (const worker of workers) worker.kill('SIGKILL');
  });
  for (let round = 0; round < 2; round++) {
    for (let write = 0; write < 10; write++) ids.push(...(await writeEvents(db, 50)).map(({ id }) => id));
    await seal(db, keyring());
    const before = arrived('/one').length;
    await eventually(
      60_000,
      () => arrived('/one').length,
      (count) => count > before,
    );
    const [killed] = workers.splice(0, 1);
    killed?.kill('SIGKILL');
    await withRedis(redis.current().url, (client) => client.flushall());
    await killed?.exited;
    workers.push(await deployment.startWorker());
  }
  const inOrder = await sealedIds(ids);
  for (const path of ['/one', '/two']) {
    await waitForAll(path, ids);
    expect(arrived(path)).toEqual(inOrder);
  }
  for (const worker of workers) await end(worker);
}, 180_000);

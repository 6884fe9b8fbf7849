import { once } from 'node:events';
import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createApiServer } from '../../../src/http/server.ts';
import { listen } from '../../../src/process/serve-http.ts';
import { openDatabase } from '../../../src/stores/postgres/database.ts';
import { openPool } from '../../../src/stores/postgres/pool.ts';
import { atEnd, endAll } from '../../support/at-end.ts';
import { writeEvents } from '../../support/audit-chain.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { eventually } from '../../support/eventually.ts';
import { mint } from '../../support/keys.ts';
import { observePool } from '../../support/observed-pool.ts';
import { platformKey } from '../../support/platform-callers.ts';

const path = '/api/v1/platform/audit';
const atOnceMax = 2;
const impatient = 10;

let broker: TestBroker;
let viewer: Awaited<ReturnType<typeof platformKey>>;
beforeAll(async () => {
  broker = await startBroker();
  viewer = await platformKey(broker, ['role_platform_viewer']);
  // Far more than fits into the buffers of two sockets.
  for (let batch = 0; batch < 40; batch++) await writeEvents(broker.db, 1_000);
});
const open: ClientRequest[] = [];
afterEach(() => {
  for (const request of open.splice(0)) request.destroy();
});
afterAll(async () => {
  await endAll();
  await broker.close();
});

const ask = (url: string, signal: AbortSignal | null = null) =>
  fetch(url, { headers: viewer.headers, signal });

/** Takes the beginning of an export, and then nothing more. */
async function beginExport(): Promise<{ status: number | undefined; leave: () => void }> {
  const request = get(`${broker.url}${path}/export`, { headers: viewer.headers });
  open.push(request);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.pause().on('error', () => undefined);
  return { status: response.statusCode, leave: () => void request.destroy() };
}

async function expectBusy(response: Response): Promise<void> {
  expect(response.status).toBe(503);
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await response.json()).toMatchObject({
    success: false,
    error: { code: 'OVERLOADED', type: 'service_unavailable_error' },
  });
}

test('503: of many exports two run and the others are refused, and a disconnected client frees a slot', async () => {
  const running = [await beginExport(), await beginExport()];
  expect(running.map(({ status }) => status)).toEqual([200, 200]);
  const refused = await Promise.all(
    Array.from({ length: impatient - atOnceMax }, () => ask(`${broker.url}${path}/export`)),
  );
  for (const response of refused) await expectBusy(response);
  expect((await ask(`${broker.url}${path}/verify`)).status).toBe(200);
  await mint(broker);

  running[0]?.leave();
  const next = await eventually(5_000, beginExport, ({ status }) => status === 200);
  await expectBusy(await ask(`${broker.url}${path}/export`));
  next.leave();
});

test('an export that has come to its end makes room, and so does one that fails', async () => {
  for (let round = 0; round <= atOnceMax; round++) {
    const narrowed = await ask(`${broker.url}${path}/export?to=1990-01-01`);
    expect([narrowed.status, await narrowed.text()]).toEqual([200, '']);
  }
});

test('503: of many verifications two run, and the connections are left to everybody else', async () => {
  const { url, held, release } = await holdingServer();
  const leaving = new AbortController();
  const verifications = Array.from({ length: impatient }, () =>
    ask(`${url}${path}/verify`, leaving.signal).catch(() => undefined),
  );
  const ended: Response[] = [];
  for (const each of verifications) void each.then((response) => response && ended.push(response));
  await eventually(
    5_000,
    () => ended.length,
    (count) => count === impatient - atOnceMax,
  );
  for (const response of ended) await expectBusy(response);
  expect(held()).toBeLessThanOrEqual(2 * atOnceMax);
  expect((await ask(`${url}${path}?limit=1`)).status).toBe(200);

  // They leave while Postgres is working for them; when it is done nobody goes on reading.
  leaving.abort();
  await Promise.all(verifications);
  release();
  await eventually(
    5_000,
    () => ask(`${url}${path}/verify`),
    ({ status }) => status === 200,
  );
});

/**
 * The same API on another port, on a pool that is soon empty, where what reads the chain is held up
 * until it is released.
 */
async function holdingServer() {
  let waiting = 0;
  let isReleased = false;
  const released = Promise.withResolvers<void>();
  const pool = openPool({ ...poolOptions, databaseUrl: broker.config.DATABASE_URL }, () => undefined);
  const observed = observePool(pool, async (text, run) => {
    if (!isReleased && /audit_(seals|unsealed)/.test(text)) {
      waiting += 1;
      await released.promise;
    }
    return run();
  });
  const db = openDatabase(observed);
  const server = createApiServer({ ...broker.api.parts, db, isDraining: () => false });
  const port = await listen(server, 0, '127.0.0.1');
  const release = () => {
    isReleased = true;
    released.resolve();
  };
  atEnd(async () => {
    release();
    server.closeAllConnections();
    server.close();
    await db.destroy();
  });
  return { url: `http://127.0.0.1:${port}`, held: () => waiting, release };
}

const poolOptions = {
  applicationName: 'flowplate-test',
  connectionsMax: 6,
  connectTimeoutMs: 1_000,
  statementTimeoutMs: 5_000,
  lockTimeoutMs: 4_000,
};

import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createApiServer } from '../../../src/http/server.ts';
import { listen } from '../../../src/process/serve-http.ts';
import { openDatabase } from '../../../src/stores/postgres/database.ts';
import { openPool } from '../../../src/stores/postgres/pool.ts';
import { atEnd, endAll } from '../../support/at-end.ts';
import { writeEvents } from '../../support/audit-chain.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import { eventually } from '../../support/eventually.ts';
import { observePool } from '../../support/observed-pool.ts';
import { platformKey } from '../../support/platform-callers.ts';

const path = '/api/v1/platform/audit/export';

let broker: TestBroker;
let viewer: Awaited<ReturnType<typeof platformKey>>;
let written: string[];
beforeAll(async () => {
  broker = await startBroker();
  viewer = await platformKey(broker, ['role_platform_viewer']);
  written = [];
  for (let batch = 0; batch < 40; batch++) {
    written.push(...(await writeEvents(broker.db, 1_000)).map(({ id }) => id));
  }
});
afterAll(async () => {
  await endAll();
  await broker.close();
});

const whole = (query = '', headers: Record<string, string> = {}) =>
  broker.call(`GET ${path}${query}`, { as: null, headers: { ...viewer.headers, ...headers } });

const lines = (query = '', headers: Record<string, string> = {}) =>
  fetch(broker.url + path + query, { headers: { ...viewer.headers, ...headers } });

test('401, 403, 422: refused like the list', async () => {
  expectError(await broker.call(`GET ${path}`, { as: null }), 401, 'AUTHENTICATION_REQUIRED');
  const nobody = await platformKey(broker, []);
  expectError(await whole('', nobody.headers), 403, 'INSUFFICIENT_PERMISSIONS');
  expectViolations(await whole('?limit=5'), '');
});

test('406: it comes in lines or not at all', async () => {
  expectError(await whole('', { accept: 'text/csv' }), 406, 'NOT_ACCEPTABLE');
  expect((await lines('?to=1990-01-01', { accept: 'application/x-ndjson' })).status).toBe(200);
});

test('200: every event, newest first, one JSON object to a line', async () => {
  const response = await lines();
  expect(response.headers.get('content-type')).toBe('application/x-ndjson');
  expect(response.headers.get('cache-control')).toBe('no-store');
  const text = await response.text();
  expect(text.endsWith('}\n')).toBe(true);
  const events = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(events.length).toBeGreaterThanOrEqual(40_000);
  const ids: string[] = events.map(({ id }) => id);
  expect(ids).toEqual([...ids].sort().reverse());
  expect(ids).toEqual(expect.arrayContaining(written.slice(0, 10)));
  const [first] = (
    await broker.call('GET /api/v1/platform/audit?limit=1', { as: null, headers: viewer.headers })
  ).body;
  expect(events[0]).toEqual(first);
});

test('200: filters narrow it, down to nothing at all', async () => {
  const narrowed = await lines('?event_type=key.revoked&to=1990-01-01');
  expect([narrowed.status, await narrowed.text()]).toEqual([200, '']);
});

/**
 * The same API on another port, on a connection that counts the pages which are read through it.
 */
async function countingServer(): Promise<{ url: string; pagesRead: () => number }> {
  let pages = 0;
  const pool = openPool({ ...poolOptions, databaseUrl: broker.config.DATABASE_URL }, () => undefined);
  const observed = observePool(pool, (text, run) => {
    if (text.includes('"details"')) pages += 1;
    return run();
  });
  const db = openDatabase(observed);
  const server = createApiServer({ ...broker.api.parts, db, isDraining: () => false });
  const port = await listen(server, 0, '127.0.0.1');
  atEnd(async () => {
    server.closeAllConnections();
    server.close();
    await db.destroy();
  });
  return { url: `http://127.0.0.1:${port}`, pagesRead: () => pages };
}

const poolOptions = {
  applicationName: 'flowplate-test',
  connectionsMax: 2,
  connectTimeoutMs: 5_000,
  statementTimeoutMs: 5_000,
  lockTimeoutMs: 4_000,
};

/**
 * An export of which so much is under way as fits between the two ends, and whose reader then takes
 * nothing more.
 */
async function stalledExport({ url, pagesRead }: Awaited<ReturnType<typeof countingServer>>) {
  const request = get(url + path, { headers: viewer.headers });
  atEnd(async () => void request.destroy());
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.pause().on('error', () => undefined);
  await untilNothingIsRead(pagesRead);
  return request;
}

/** Half a second without a page: longer than a busy machine takes for one. */
async function untilNothingIsRead(pagesRead: () => number): Promise<void> {
  let before = 0;
  let looks = 0;
  const looksAtSame = () => {
    looks = pagesRead() === before ? looks + 1 : 0;
    before = pagesRead();
    return before > 0 ? looks : 0;
  };
  await eventually(10_000, looksAtSame, (count) => count >= 10);
}

const untilOneIsCutOff = (soFar: number) =>
  eventually(
    10_000,
    () => logged('"aborted":true').length,
    (lines) => lines > soFar,
  );

test('a slow reader is waited for, and nothing more is read after a disconnect', async () => {
  const server = await countingServer();
  const request = await stalledExport(server);
  // 40,000 events are 80 pages; what fits into the buffers of two sockets is far less.
  expect(server.pagesRead()).toBeLessThan(60);

  const soFar = server.pagesRead();
  const cutOff = logged('"aborted":true').length;
  request.destroy();
  await untilOneIsCutOff(cutOff);
  await untilNothingIsRead(server.pagesRead);
  expect(server.pagesRead()).toBeLessThanOrEqual(soFar + 1);
  expect(logged('request failed')).toEqual([]);
});

test('a reader that accepts nothing for a minute is disconnected, because others wait for its slot', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const server = await countingServer();
    await stalledExport(server);
    const cutOff = logged('"aborted":true').length;
    vi.advanceTimersByTime(60_000);
    await untilOneIsCutOff(cutOff);
  } finally {
    vi.useRealTimers();
  }
});

const logged = (words: string) => broker.logLines.filter((line) => line.includes(words));

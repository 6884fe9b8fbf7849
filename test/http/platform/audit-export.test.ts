import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApiServer } from '../../../src/http/server.ts';
import { listen } from '../../../src/serve-http.ts';
import { openDatabase } from '../../../src/stores/postgres/database.ts';
import { openPool } from '../../../src/stores/postgres/pool.ts';
import { atEnd, endAll } from '../../support/at-end.ts';
import { writeEvents } from '../../support/audit-chain.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import { eventually } from '../../support/eventually.ts';
import { observePool } from '../../support/observed-pool.ts';
import { platformKey } from '../../support/operators.ts';

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

/** The same API on another port, on a connection that counts the pages which are read through it. */
async function countingServer(): Promise<{ url: string; pagesRead: () => number }> {
  let pages = 0;
  const pool = openPool({ ...poolOptions, databaseUrl: broker.config.DATABASE_URL }, () => undefined);
  const observed = observePool(pool, (text, run) => {
    if (text.includes('from "audit_events"')) pages += 1;
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

test('a reader who is slow is waited for, and for one who has left nothing more is read', async () => {
  const { url, pagesRead } = await countingServer();
  const request = get(url + path, { headers: viewer.headers });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.pause();
  let before = 0;
  const standsStill = () => {
    const was = before;
    before = pagesRead();
    return was > 0 && was === before;
  };
  await eventually(10_000, standsStill, Boolean);
  // 40,000 events are 80 pages; what fits into the buffers of two sockets is far less.
  expect(pagesRead()).toBeLessThan(60);

  const soFar = pagesRead();
  request.destroy();
  await eventually(
    10_000,
    () => logged('"aborted":true').length,
    (lines) => lines > 0,
  );
  await eventually(10_000, standsStill, Boolean);
  expect(pagesRead()).toBeLessThanOrEqual(soFar + 1);
  expect(logged('request failed')).toEqual([]);
});

const logged = (words: string) => broker.logLines.filter((line) => line.includes(words));

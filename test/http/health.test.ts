import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { runCommand } from '../../scripts/services/run-command.ts';
import { createApiServer } from '../../src/http/server.ts';
import { listen } from '../../src/process/serve-http.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { caller } from '../support/call.ts';

const connections = 2;

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({ CONTROL_CONNECTIONS_MAX: String(connections) });
  atEnd(() => broker.close());
});
afterAll(endAll);

test('a pool whose connections are all taken is no dead database', async () => {
  const release = await holdConnections();
  const waiting = broker.call('GET /v1/flowplate/api-keys');
  const { status, body } = await broker.call('GET /health/ready', { as: null });
  const { postgres, redis, lease } = body.checks;
  // A busy machine may delay Redis or the lease, which is another matter.
  const isWhole = redis === 'up' && lease === 'held';
  expect([status, body.status, postgres]).toEqual([200, isWhole ? 'ready' : 'degraded', 'up']);
  expect((await waiting).status, 'the pool was full indeed').toBe(503);
  await release();
});

test("the image's health check asks whether it can verify", async () => {
  const dockerfile = await readFile(join(projectRoot, 'Dockerfile'), 'utf8');
  const [, command = ''] = /^HEALTHCHECK [\s\S]*?CMD (\[.*\])$/m.exec(dockerfile) ?? [];
  const [, ...args] = JSON.parse(command) as string[];
  const check = async (port: string) => {
    const env = { ...process.env, PORT: port };
    return (await runCommand([process.execPath, ...args], { env })).exitCode;
  };
  expect(args.join(' ')).toContain('/health/verify');
  expect(await check(new URL(broker.url).port)).toBe(0);
  const draining = createApiServer({ ...broker.api.parts, isDraining: () => true });
  atEnd(() => draining.close());
  expect(await check(String(await listen(draining, 0, '127.0.0.1')))).toBe(1);
});

test('a verifier that drains takes no more verifications, whatever it could still answer', async () => {
  const server = createApiServer({ ...broker.api.parts, isDraining: () => true });
  atEnd(() => server.close());
  const call = caller(`http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}`, '');
  const { status, body } = await call('GET /health/verify', { as: null });
  expect([status, body]).toEqual([
    503,
    { status: 'unavailable', draining: true, checks: { lease: 'held', postgres: 'not_asked' } },
  ]);
});

/** Takes all connections of the pool; resolves with what gives them back. */
async function holdConnections(): Promise<() => Promise<unknown>> {
  const released = Promise.withResolvers<void>();
  const taken = Array.from({ length: connections }, () => Promise.withResolvers<void>());
  const held = taken.map(({ resolve }) =>
    broker.api.parts.db.connection().execute(async (connection) => {
      await sql`SELECT 1`.execute(connection);
      resolve();
      await released.promise;
    }),
  );
  await Promise.race([Promise.all(taken.map(({ promise }) => promise)), Promise.all(held)]);
  return () => {
    released.resolve();
    return Promise.all(held);
  };
}

test('any number of callers share one look at each store in a second', async () => {
  const looks = { postgres: 0, redis: 0 };
  const look = async <T>(store: keyof typeof looks, answer: T): Promise<T> => {
    looks[store] += 1;
    await sleep(50);
    return answer;
  };
  const server = createApiServer({
    ...broker.api.parts,
    lookAtPostgres: () => look('postgres', { state: 'up', problems: [] }),
    isRedisUp: () => look('redis', true),
    isDraining: () => false,
  });
  atEnd(() => server.close());
  const call = caller(`http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}`, '');
  const askAll = async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => call('GET /health/ready')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  };
  await askAll();
  await askAll();
  expect(looks).toEqual({ postgres: 1, redis: 1 });
  await sleep(1_100);
  await askAll();
  expect(looks).toEqual({ postgres: 2, redis: 2 });
});

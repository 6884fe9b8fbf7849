import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { routes } from '../../src/http/routes.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { deploy, type StartedApi } from '../support/deployment.ts';
import { keyCalls } from '../support/key-calls.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { freshRedis } from '../support/redis.ts';
import { findSecrets } from '../support/store-dump.ts';
import { newTrace } from './trees.ts';

const canary = `canary${randomBytes(20).toString('hex')}`;

let receiver: OtlpReceiver;
let api: StartedApi;
/** Texts that no span may have: the canary, keys, and their digests in the stores. */
const secrets: string[] = [canary];

beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  const redis = await freshRedis(inject('redisUrl'));
  receiver = await startOtlpReceiver();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_MAX_QUEUE_SIZE: '100000' };
  const deployment = deploy({ databaseUrl: database.url, redisUrl: redis.url }, env);
  api = await deployment.startApi();
  const { key } = await keyCalls(api.call).mint();
  secrets.push(
    key.slice(-38),
    deployment.masterKey.slice(-38),
    (deployment.env.FLOWPLATE_PEPPERS ?? '').slice(3),
  );
  const bodies = [
    undefined,
    canary,
    { key: canary },
    { user_id: canary, organization_id: canary, name: canary },
  ];
  for (const { method, path } of routes) {
    for (const as of [undefined, null, key, canary]) {
      for (const body of method === 'get' ? [undefined] : bodies) await ask(method, path, as, body);
    }
  }
  api.kill('SIGTERM');
  await api.exited;
}, 120_000);

afterAll(endAll);

/** The canary wherever a caller can put one; by the master key, only where it still gets in. */
async function ask(method: string, path: string, as: string | null | undefined, body: unknown) {
  const filled = path.replaceAll(/:\w+/g, canary);
  const query = as === undefined ? '' : `?${canary}=${canary}`;
  await api.call(`${method.toUpperCase()} ${filled}${query}`, {
    ...(as !== undefined && { as }),
    ...(body !== undefined && { body }),
    headers: {
      ...newTrace().headers,
      tracestate: `at=${canary}`,
      ...(as !== undefined && { authorization: `Bearer ${canary}` }),
      'user-agent': canary,
      referer: canary,
      cookie: `session=${canary}`,
      'x-forwarded-for': canary,
      'x-request-id': canary,
      'idempotency-key': canary,
      accept: canary,
    },
  });
}

test('whatever callers send to any route, no span tells it', () => {
  const names = new Set(receiver.spans().map(({ name }) => name));
  for (const { method, path } of routes) expect(names).toContain(`${method.toUpperCase()} ${path}`);
  expect(findSecrets(receiver.bodies, secrets)).toEqual([]);
});

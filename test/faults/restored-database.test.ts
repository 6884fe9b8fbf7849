import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { stopKeys } from '../../src/usecases/user-keys/stop-keys.ts';
import { tidyStops } from '../../src/usecases/user-keys/tidy-stops.ts';
import { newFleet } from '../linearizability/fleet.ts';
import { endAll } from '../support/at-end.ts';
import { backUp } from '../support/backup.ts';
import { type Deployment, deploy, type StartedApi } from '../support/deployment.ts';
import { type EditedSource, editSource } from '../support/edited-source.ts';
import { eventually } from '../support/eventually.ts';
import { insisting } from '../support/insist.ts';
import { keyCalls, organization } from '../support/key-calls.ts';
import { startObjectStore } from '../support/object-store.ts';
import { type OwnPostgres, ownPostgres, ownRedis } from '../support/own-stores.ts';
import { startScript } from '../support/processes.ts';
import { query } from '../support/query.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { callerWith } from '../support/use-case-parts.ts';
import { withoutHistory } from '../support/without-history.ts';

afterEach(endAll);

const revokedKeys = 1_000;

type DrillOptions = { source?: EditedSource; count?: number; bucket?: Record<string, string> };

type Drill = {
  postgres: OwnPostgres;
  deployment: Deployment;
  apis: StartedApi[];
  revoked: string[];
  living: string;
  restore(): Promise<void>;
};

/** Two API processes, a thousand keys, a backup, and then a thousand revokes. */
async function drill({ count = revokedKeys, bucket, ...options }: DrillOptions = {}): Promise<Drill> {
  const [postgres, redis] = await Promise.all([ownPostgres(), ownRedis()]);
  const stores = { databaseUrl: postgres.databaseUrl, redisUrl: redis.current().url };
  const journal = bucket ?? { JOURNAL_DIRECTORY: await temporaryDirectory() };
  const deployment = deploy(stores, { LEASE_MS: '3000', ...journal });
  const apis = [await deployment.startApi(options), await deployment.startApi(options)];
  const [api, other] = apis as [StartedApi, StartedApi];
  const { mint, revoke, verify } = keyCalls(insisting(api.call));
  const living = await mint();
  const minted = await inTurns(count, () => mint());
  for (const { key } of [living, ...minted]) await verify(key);
  const restore = await backUp(postgres);
  const half = keyCalls(insisting(other.call));
  const left = [...minted];
  await inTurns(count, async () => {
    const { userId = '' } = left.pop() ?? {};
    return left.length % 2 === 0 ? revoke(userId) : half.revoke(userId);
  });
  return { postgres, deployment, apis, living: living.key, revoked: minted.map(({ key }) => key), restore };
}

/** A few at a time, as callers take turns at the broker. */
async function inTurns<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  while (made.length < count) made.push(...(await Promise.all(Array.from({ length: 20 }, make))));
  return made;
}

/** Asks for revoked keys all the time, of every process, and keeps what it hears. */
function askAll(apis: readonly StartedApi[], keys: readonly string[]) {
  const heard = new Map<string, number>();
  const accepted = new Set<string>();
  let isOver = false;
  const asking = Promise.all(
    apis.map(async (api, offset) => {
      const { verify } = keyCalls(api.call);
      for (let index = offset; !isOver; index++) {
        const key = keys[index % keys.length] ?? '';
        const code = await verify(key).then(
          ({ status, body }) => (status === 200 ? body.code : String(status)),
          () => 'no answer',
        );
        heard.set(code, (heard.get(code) ?? 0) + 1);
        if (code === 'VALID') accepted.add(key);
        await sleep(1);
      }
    }),
  );
  return {
    heard,
    accepted,
    async stop() {
      isOver = true;
      await asking;
    },
  };
}

async function recover({ deployment }: Pick<Drill, 'deployment'>, ...args: string[]) {
  const running = await startScript('scripts/recover.ts', { env: deployment.env, args });
  const { code } = await running.exited;
  return { code, said: running.stdout() + running.stderr() };
}

test('of a thousand keys revoked after the backup none is accepted, before, while and after it is recovered', async () => {
  const it = await drill();
  const [api] = it.apis as [StartedApi];
  const early = await recover(it);
  expect([early.code, early.said]).toEqual([2, expect.stringContaining('did not go back')]);
  const running = askAll(it.apis, it.revoked);
  await it.restore();
  const ready = async () => (await api.call('GET /health/ready', { as: null })).body;
  await eventually(20_000, ready, ({ problems }) => problems?.[0] === 'DATABASE_WENT_BACK');
  // A process that starts now knows it from the journal alone, or from those that know it.
  const late = await it.deployment.startApi();
  const lateAsking = askAll([late], it.revoked);
  expect((await keyCalls(late.call).verify(it.living)).status).toBe(503);
  expect((await api.call('GET /v1/flowplate/api-keys')).status).toBe(503);
  await sleep(1_000);

  const refused = await recover(it, '--journal', '/nowhere');
  expect([refused.code, refused.said]).toEqual([2, expect.stringContaining('There is no journal')]);
  const { code, said } = await recover(it);
  expect(said).toContain('1000 keys and 0 master keys revoked');
  expect(code).toBe(0);
  await eventually(
    20_000,
    () => keyCalls(api.call).verify(it.living),
    ({ body }) => body.code === 'VALID',
  );
  const settled = [];
  for (const key of it.revoked.slice(0, 50)) settled.push(await keyCalls(api.call).codeOf(key));
  expect(new Set(settled)).toEqual(new Set(['REVOKED']));
  await running.stop();
  await lateAsking.stop();
  expect([...running.accepted, ...lateAsking.accepted]).toEqual([]);
  expect(running.heard.get('503')).toBeGreaterThan(0);
  const events = await query(
    it.postgres.databaseUrl,
    `SELECT count(*) FILTER (WHERE event_type = 'key.revoked')::int AS revoked,
       count(*) FILTER (WHERE event_type = 'database.recovered')::int AS recovered FROM audit_events`,
  );
  expect(events).toEqual([{ revoked: revokedKeys, recovered: 1 }]);
});

test('control arm: processes that do not look accept keys that were revoked', async () => {
  const source = await editSource(withoutHistory);
  const it = await drill({ source });
  await it.restore();
  const late = await it.deployment.startApi({ source });
  const asking = askAll([late], it.revoked);
  await eventually(
    20_000,
    async () => asking.accepted.size,
    (size) => size > 0,
  );
  await asking.stop();
});

test('with the journal in a bucket none is accepted either, and a change waits for the bucket', async () => {
  const store = await startObjectStore();
  const it = await drill({ count: 100, bucket: store.env });
  const [api, other] = it.apis as [StartedApi, StartedApi];
  await store.stop();
  const { userId } = await keyCalls(api.call).mint();
  const refused = await other.call(`DELETE /v1/flowplate/api-keys/${userId}/${organization}`);
  expect(refused.status).toBe(503);
  await store.start();
  await keyCalls(insisting(other.call)).revoke(userId);
  const running = askAll(it.apis, it.revoked);
  await it.restore();
  const ready = async () => (await api.call('GET /health/ready', { as: null })).body;
  await eventually(20_000, ready, ({ problems }) => problems?.[0] === 'DATABASE_WENT_BACK');
  const { code, said } = await recover(it);
  expect(said).toContain('100 keys and 0 master keys revoked');
  expect(code).toBe(0);
  await eventually(
    20_000,
    () => keyCalls(api.call).verify(it.living),
    ({ body }) => body.code === 'VALID',
  );
  for (const key of it.revoked) expect(await keyCalls(api.call).codeOf(key)).toBe('REVOKED');
  await running.stop();
  expect([...running.accepted]).toEqual([]);
});

test('keys that were stopped after the backup are stopped again, and later ones are not', async () => {
  const [postgres, redis] = await Promise.all([ownPostgres(), ownRedis()]);
  const stores = { databaseUrl: postgres.databaseUrl, redisUrl: redis.current().url };
  const directory = await temporaryDirectory();
  const deployment = deploy(stores, { LEASE_MS: '3000', JOURNAL_DIRECTORY: directory });
  const api = await deployment.startApi();
  const keys = keyCalls(api.call);
  const [stopped, spared] = [await keys.mint(), await keys.mint()];
  for (const { key } of [stopped, spared]) expect(await keys.codeOf(key)).toBe('VALID');
  const restore = await backUp(postgres);
  const { operator } = newFleet(stores);
  const [by] = await query(postgres.databaseUrl, 'SELECT id FROM master_keys');
  const subject = { kind: 'user', subject: stopped.userId } as const;
  const order = await stopKeys(operator, callerWith({ id: by?.id ?? '' }), subject);
  expect(order?.propagation.isComplete).toBe(true);
  expect(await keys.codeOf(stopped.key)).toBe('REVOKED');
  await restore();
  const ready = async () => (await api.call('GET /health/ready', { as: null })).body;
  await eventually(20_000, ready, ({ problems }) => problems?.[0] === 'DATABASE_WENT_BACK');
  const { code, said } = await recover({ deployment });
  expect([code, said]).toEqual([0, expect.stringContaining('1 stops of keys in force again')]);
  await eventually(
    20_000,
    () => keys.verify(spared.key),
    ({ body }) => body.code === 'VALID',
  );
  expect(await keys.codeOf(stopped.key)).toBe('REVOKED');
  const later = await keys.mint({ user_id: stopped.userId });
  expect(await keys.codeOf(later.key)).toBe('VALID');
  await tidyStops(operator);
  const rows = await query(postgres.databaseUrl, `SELECT id FROM api_keys WHERE status = 'revoked'`);
  expect(rows).toEqual([{ id: stopped.keyId }]);
  expect([await keys.codeOf(stopped.key), await keys.codeOf(later.key)]).toEqual(['REVOKED', 'VALID']);
});

test('without a journal an operator accepts the loss, which is audited', async () => {
  const it = await drill();
  await it.restore();
  const [api] = it.apis as [StartedApi];
  const ready = async () => (await api.call('GET /health/ready', { as: null })).body;
  await eventually(20_000, ready, ({ problems }) => problems?.[0] === 'DATABASE_WENT_BACK');
  const { code } = await recover(it, '--journal', '/nowhere', '--accept-loss', 'the disk is gone');
  expect(code).toBe(0);
  await eventually(
    20_000,
    () => keyCalls(api.call).verify(it.living),
    ({ body }) => body.code === 'VALID',
  );
  const rows = await query(
    it.postgres.databaseUrl,
    `SELECT details ->> 'accepted_loss' AS reason FROM audit_events WHERE event_type = 'database.recovered'`,
  );
  expect(rows).toEqual([{ reason: 'the disk is gone' }]);
});

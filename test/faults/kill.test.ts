import { afterAll, beforeAll, expect, test } from 'vitest';
import { endAll } from '../support/at-end.ts';
import { type Deployment, deploy, type Started, type StartedApi } from '../support/deployment.ts';
import { type EditedSource, editSource } from '../support/edited-source.ts';
import { eventually } from '../support/eventually.ts';
import { findHalfDone } from '../support/half-done.ts';
import { keysPath } from '../support/keys.ts';
import { type AnsweredLine, mintLines, outcomesOf, readLines, toLines } from '../support/lines.ts';
import { type OwnPostgres, type OwnServer, ownPostgres, ownRedis } from '../support/own-stores.ts';
import { query } from '../support/query.ts';
import { quietPort } from '../support/quiet-port.ts';
import { withoutHistory } from '../support/without-history.ts';
import { auditLedger, fillLedger, Ledger } from './ledger.ts';

const linesPerKill = 45;

let postgres: OwnPostgres;
let redis: OwnServer<{ url: string }>;
let deployment: Deployment;
let api: StartedApi;
let worker: Started;

beforeAll(async () => {
  [postgres, redis] = await Promise.all([ownPostgres(), ownRedis()]);
  deployment = deployOn(postgres);
  const env = { PORT: String(await quietPort()) };
  [api, worker] = await Promise.all([deployment.startApi({ env }), deployment.startWorker()]);
});

afterAll(endAll);

// A short lease: revokes wait up to two seconds for one of a killed process.
function deployOn(stores: OwnPostgres): Deployment {
  return deploy({ databaseUrl: stores.databaseUrl, redisUrl: redis.current().url }, { LEASE_MS: '3000' });
}

const victims: Record<string, () => Promise<void>> = {
  API: async () => {
    const env = { PORT: String(api.port) };
    api.kill('SIGKILL');
    await api.exited;
    api = await deployment.startApi({ env });
  },
  worker: async () => {
    worker.kill('SIGKILL');
    await worker.exited;
    worker = await deployment.startWorker();
  },
  Redis: async () => {
    await redis.kill();
    await redis.restart();
  },
  Postgres: async () => {
    await postgres.kill();
    await postgres.restart();
  },
};

test.each(['API', 'Postgres'])(
  'what was acknowledged survives kill -9 of the %s under load, and nothing is half done',
  async (victim) => {
    const ledger = await killUnderLoad(victim);
    expect(ledger.interrupted).toBeGreaterThan(0);
  },
);

test.each(['worker', 'Redis'])(
  'kill -9 of the %s under load is nothing that callers notice',
  async (victim) => {
    const ledger = await killUnderLoad(victim);
    // A busy machine may keep somebody waiting for longer than we answer in.
    expect(ledger.interrupted).toBeLessThan(ledger.acknowledged / 10);
  },
);

test('a body of mints that kill -9 of the API cuts off is repeated with the same secrets, and without a second key', async () => {
  const owners = Array.from({ length: 2_000 }, (_, index) => ({
    user_id: `usr_${index}`,
    organization_id: 'org_cut_off',
  }));
  const headers = { 'idempotency-key': 'cut-off' };
  const seen = await mintUntilKilled(toLines(owners), headers);
  expect(seen.length).toBeLessThan(owners.length);
  const lines = await mintLines(api, owners, { headers });
  expect(outcomesOf(lines)).toEqual(owners.map(() => 'minted'));
  expect(lines.slice(0, seen.length)).toEqual(seen);
  expect(await findHalfDone(postgres.adminUrl)).toEqual([]);
});

/** Kills the API when the first lines are answered; returns those that were answered as a whole. */
async function mintUntilKilled(body: string, headers: Record<string, string>): Promise<AnsweredLine[]> {
  const answer = await fetch(`${api.url}${keysPath}/batch`, {
    method: 'POST',
    headers: {
      ...headers,
      'content-type': 'application/x-ndjson',
      'x-flowplate-master-key': deployment.masterKey,
    },
    body,
  });
  const decoder = new TextDecoder();
  let received = '';
  let killed: Promise<void> | undefined;
  try {
    for await (const piece of answer.body ?? []) {
      received += decoder.decode(piece, { stream: true });
      killed ??= victims.API?.();
    }
  } catch {
    // The connection broke, as it has to.
  }
  await killed;
  return readLines(received.slice(0, received.lastIndexOf('\n') + 1));
}

/**
 * Kills twice, at random points, and holds what callers were told against what is there afterwards.
 */
async function killUnderLoad(name: string): Promise<Ledger> {
  const killAndRestart = victims[name] as () => Promise<void>;
  const ledger = new Ledger();
  const load = fillLedger(ledger, () => api.call, linesPerKill);
  await eventually(10_000, () => ledger.acknowledged, reaches(10 + Math.random() * 20));
  await killAndRestart();
  const before = ledger.acknowledged;
  await Promise.race([load, eventually(10_000, () => ledger.acknowledged, reaches(before + 10))]);
  await killAndRestart();
  await load;

  const fresh = await startFresh(deployment);
  expect(await auditLedger(ledger, fresh.call)).toEqual([]);
  expect(await auditLedger(ledger, api.call)).toEqual([]);
  expect(await findHalfDone(postgres.adminUrl)).toEqual([]);
  expect(ledger.lines).toHaveLength(linesPerKill);
  expect(ledger.acknowledged).toBeGreaterThan(linesPerKill);
  fresh.kill('SIGTERM');
  expect((await fresh.exited).code).toBe(0);
  return ledger;
}

/** A process that knows nothing yet, on an empty Redis: what it says, Postgres has told it. */
function startFresh(of: Deployment, source?: EditedSource): Promise<StartedApi> {
  const emptyRedis = new URL(redis.current().url);
  emptyRedis.pathname = '/1';
  return of.startApi({ source, env: { REDIS_URL: emptyRedis.href } });
}

function reaches(count: number): (acknowledged: number) => boolean {
  return (acknowledged) => acknowledged >= count;
}

test('control arm: on a Postgres that answers before the commit is safe, acknowledged changes are missed', async () => {
  const unsafe = await ownPostgres({
    synchronous_commit: 'off',
    wal_writer_delay: '10s',
    wal_writer_flush_after: '1GB',
    wal_buffers: '16MB',
    bgwriter_lru_maxpages: '0',
  });
  const on = deployOn(unsafe);
  // Else it would notice, and answer nothing any more.
  const source = await editSource(withoutHistory);
  const victim = await on.startApi({ source });
  await query(unsafe.adminUrl, 'CHECKPOINT');
  const ledger = new Ledger();
  await fillLedger(ledger, () => victim.call, 12);
  expect(ledger.acknowledged).toBeGreaterThan(12);
  await unsafe.kill();
  await unsafe.restart();
  expect(await auditLedger(ledger, (await startFresh(on, source)).call)).not.toEqual([]);
});

test('control arm: a key that was stored without its audit event is missed', async () => {
  await query(
    postgres.adminUrl,
    `INSERT INTO api_keys (id, lineage_id, pepper_id, digest, key_prefix, user_id, organization_id, environment,
       metadata, scopes, created_at, updated_at)
     VALUES ('flk_unaudited', 'flk_unaudited', 'p1', 'digest', 'prefix', 'somebody', 'acme', 'test', '{}', '{}', now(), now())`,
  );
  expect(await findHalfDone(postgres.adminUrl)).toEqual([
    'a key whose making was not audited: flk_unaudited',
  ]);
});

import { randomBytes } from 'node:crypto';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { firstKeys } from '../../scripts/launch/first-keys.ts';
import { createDatabase } from '../../scripts/services/create-database.ts';
import { startPostgres } from '../../scripts/services/postgres.ts';
import { type EmbeddedRedis, startRedis } from '../../scripts/services/redis.ts';
import { newPepper } from '../../src/domain/key-digest.ts';
import type { Closing } from '../../src/process/closing.ts';
import { migrate } from '../../src/stores/postgres/migrate.ts';
import type { EditedSource } from '../../test/support/edited-source.ts';
import type { LoadJob, LoadResult } from '../load/jobs.ts';
import { CallLedger } from './call-ledger.ts';
import { Load } from './load.ts';
import { OtherWork } from './other-work.ts';
import { loadCore, type Place, serverCore } from './pin.ts';
import { seedKeys, seedOrganizations } from './seed-keys.ts';
import { answers, type BenchServer, startServer } from './server.ts';

export type Stage = Awaited<ReturnType<typeof openStage>>;

/** Postgres connections of every server: the product's default. */
export const poolSize = 16;

/** Total time that one benchmark waits for an idle machine. */
const patienceMs = 30_000;

/**
 * Environment of a benchmark: a durable Postgres and a Redis as `scripts/start` runs them, the API,
 * its peers, and two load generators, in a temporary directory that `closing` removes.
 */
export async function openStage(closing: Closing) {
  const directory = await mkdtemp(join(tmpdir(), 'flowplate-bench-'));
  closing.add('directory', () => rm(directory, { recursive: true, force: true }));
  // For several API processes of 30 connections each.
  const postgres = await startPostgres({
    dataDir: join(directory, 'postgres'),
    settings: { max_connections: '300' },
  });
  closing.add('Postgres', () => postgres.stop());
  let redisCount = 0;
  const ownRedis = async (): Promise<EmbeddedRedis> => {
    const redis = await startRedis({ dataDir: join(directory, `redis-${redisCount++}`) });
    closing.add('Redis', () => redis.stop());
    return redis;
  };
  const redis = await ownRedis();
  const databaseUrl = await createDatabase(postgres.url, 'bench');
  await migrate({ databaseUrl });
  const sql = new pg.Pool({ connectionString: databaseUrl, max: 4 });
  // A server that stops ends its idle connections.
  sql.on('error', () => undefined);
  closing.add('connections', () => sql.end());
  await seedOrganizations(sql);

  const pepper = randomBytes(32);
  const keyring = [newPepper('p1', pepper)] as const;
  const env = {
    DATABASE_URL: databaseUrl,
    // One credential makes all the load.
    MANAGEMENT_RATE_LIMIT: '1000000',
    REDIS_URL: redis.url,
    FLOWPLATE_PEPPERS: `p1:${pepper.toString('base64url')}`,
    CONTROL_CONNECTIONS_MAX: String(poolSize),
    POOL_SIZE: String(poolSize),
    METRICS_PORT: '0',
    DRAIN_MS: '0',
  };
  const { masterKey } = await firstKeys({ PATH: process.env.PATH, ...env });
  if (masterKey === undefined) throw new Error('There was a master key before the first one');
  const keysFile = join(directory, 'keys');

  const start = async (
    name: string,
    program: readonly string[],
    isReady: (port: number) => Promise<boolean>,
    own: Record<string, string>,
    core: Place = serverCore,
    portName = 'PORT',
  ): Promise<BenchServer> => {
    const server = await startServer({
      name,
      program,
      env: { ...env, ...own },
      logDir: directory,
      isReady,
      core,
      portName,
    });
    closing.add(name, () => server.stop());
    return server;
  };
  const toRedis = new Redis(redis.url);
  closing.add('connection', () => toRedis.disconnect());
  const ledger = new CallLedger(sql, toRedis);
  const onResult = (job: LoadJob, result: LoadResult) => ledger.note(job, result);
  const load = await startLoad(closing, loadCore, onResult);
  const flood = await startLoad(closing, loadCore, onResult, givesWay);

  return {
    directory,
    poolSize,
    databaseUrl,
    ownDatabase: (name: string) => createDatabase(postgres.url, name),
    redisUrl: redis.url,
    masterKey,
    keyring,
    keysFile,
    sql,
    ownRedis,
    /** An API process with a lease. */
    startApi: async (name: string, own: Record<string, string> = {}, core: Place = serverCore) => {
      const api = await start(name, ['src/main.ts'], (port) => isReady(port), own, core);
      // The worker serves this Redis only; usage in another one is not counted.
      if (own.REDIS_URL === undefined) ledger.follow(api.port);
      return api;
    },
    /** The same without metrics of verifications. */
    startUnmeteredApi: async (name: string) => {
      const api = await start(name, ['bench/unmetered-api.ts'], (port) => isReady(port), {});
      ledger.follow(api.port);
      return api;
    },
    /** The same without a pace for unknown keys. */
    startUnpacedApi: (name: string) => start(name, ['bench/unpaced-api.ts'], (port) => isReady(port), {}),
    /**
     * Starts the worker on any core, so that a figure includes the roll-up. `source`: with
     * something changed.
     */
    startWorker: (own: Record<string, string> = {}, source?: EditedSource) => {
      const preload = source === undefined ? [] : ['--import', source.preload];
      return start('worker', [...preload, 'workers/main.ts'], isAlive, own, 'any', 'WORKER_METRICS_PORT');
    },
    startWebhookReceiver: () => start('receiver', ['bench/webhook-receiver.ts'], doesAnswer, {}, 'any'),
    /** Calls that must have been counted. */
    ledger,
    redis: toRedis,
    startPeer: (peer: string, own: Record<string, string> = {}, name = peer, core: Place = serverCore) =>
      start(name, ['bench/peer.ts', peer], doesAnswer, own, core),
    /** A local verifier on a Unix socket, which asks no gateway for a master key. */
    startLocalVerifier: async (name: string, apiPort: number, socket: string) => {
      const masterKeyFile = join(directory, 'master-key');
      await writeFile(masterKeyFile, masterKey, { mode: 0o600 });
      const program = [
        'src/local-verifier/main.ts',
        ...['--listen', `unix:${socket}`, '--broker', `http://127.0.0.1:${apiPort}`],
        ...['--master-key-file', masterKeyFile],
      ];
      return start(name, program, () => isThere(socket), {});
    },
    /** Needs `installAlternatives`. */
    startAlternative: (name: string, own: Record<string, string>) =>
      start(name, ['bench/alternatives/serve.ts', name], doesAnswer, own),
    seedKeys: (count: number, label: string, file = keysFile) =>
      seedKeys({ sql, keyring, keysFile: file }, count, label),
    load,
    startLoadOnServerCore: () => startLoad(closing, serverCore, onResult),
    /** Background load beside the measured one. */
    flood,
    otherWork: new OtherWork(patienceMs),
    /** For resources that a scenario opens itself. */
    closing,
  };
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Halfway to the lowest priority. */
const givesWay = 10;

async function startLoad(
  closing: Closing,
  core: number,
  onResult: (job: LoadJob, result: LoadResult) => void,
  niceness = 0,
): Promise<Load> {
  const load = await Load.start(core, onResult, niceness);
  closing.add('load generator', () => load.stop());
  return load;
}

function doesAnswer(port: number): Promise<boolean> {
  return answers(`http://127.0.0.1:${port}/`);
}

async function isAlive(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/health/live`).then(
    (response) => response.ok,
    () => false,
  );
}

async function isReady(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health/ready`);
    return (await response.text()).includes('"lease":"held"');
  } catch {
    return false;
  }
}

import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import { inject } from 'vitest';
import { type Config, readConfig } from '../../src/config.ts';
import type { Origin } from '../../src/domain/audit-event.ts';
import { masterKeyPermissions } from '../../src/domain/permission.ts';
import { Stamps } from '../../src/domain/stamp.ts';
import { createApiServer } from '../../src/http/server.ts';
import { createLog } from '../../src/log.ts';
import { type ApiMetrics, apiMetrics } from '../../src/metrics/api-metrics.ts';
import { drain, listen } from '../../src/process/serve-http.ts';
import { tlsFilesOf } from '../../src/process/tls-files.ts';
import { TlsFront } from '../../src/process/tls-front.ts';
import { type Database, openDatabase } from '../../src/stores/postgres/database.ts';
import { openPool } from '../../src/stores/postgres/pool.ts';
import { openRedis } from '../../src/stores/redis/client.ts';
import { createMasterKey } from '../../src/usecases/master-keys/create-master-key.ts';
import type { MasterKeyRequest } from '../../src/usecases/master-keys/issue-master-key.ts';
import { rollUpUsage } from '../../src/usecases/usage/roll-up-usage.ts';
import { type Api, wireApi } from '../../src/wire/api.ts';
import { directDatabase } from '../../src/wire/databases.ts';
import { type Call, caller } from './call.ts';
import { cloneDatabase } from './database.ts';
import { freshRedis } from './redis.ts';

export const testOrigin: Origin = { actor: { kind: 'shell', id: 'test' }, requestId: null };

export type TestBroker = {
  url: string;
  env: Record<string, string>;
  config: Config;
  api: Api;
  /** For the test itself, with time-outs that only guard against hanging. */
  db: Database;
  metrics: ApiMetrics;
  /** All log lines so far. */
  logLines: string[];
  masterKey: string;
  /** Calls with the master key above by default. */
  call: Call;
  createMasterKey(
    request?: Partial<MasterKeyRequest>,
    secret?: string,
  ): Promise<{ id: string; secret: string }>;
  /** Another replica in this process, on the same database and Redis. */
  replica(env?: Record<string, string>): Promise<TestBroker>;
  /** Flushes and rolls up usage, like the worker every two seconds. */
  settleUsage(): Promise<void>;
  /** Reads its TLS files again, as at SIGHUP. */
  reloadTls(): void;
  /** From here on it asks its callers to go elsewhere, as at SIGTERM. */
  drain(): void;
  close(): Promise<void>;
};

/** Starts the API in this process, with its own database and Redis, on a free loopback port. */
export async function startBroker(env: Record<string, string> = {}): Promise<TestBroker> {
  const database = await cloneDatabase(inject('postgresUrl'));
  const redis = await freshRedis(inject('redisUrl'));
  const base = {
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    FLOWPLATE_PEPPERS: `p1:${randomBytes(32).toString('base64url')}`,
    FLOWPLATE_ENV: 'test',
    DRAIN_MS: '0',
    UNSAFE_POSTGRES: 'allow',
  };
  const broker = await startReplica({ ...base, ...env });
  return {
    ...broker,
    close: async () => {
      await broker.close();
      await database.drop();
    },
  };
}

/** Starts an API over existing stores. */
export async function startReplica(env: Record<string, string>): Promise<TestBroker> {
  const config = readConfig(env);
  const logLines: string[] = [];
  const log = createLog({ level: 'debug', service: 'test' }, { write: (line) => void logLines.push(line) });
  const metrics = apiMetrics();
  const api = wireApi(config, log, metrics);
  const state = { isDraining: false };
  const server: Server = createApiServer({ ...api.parts, isDraining: () => state.isDraining });
  const tlsFiles = tlsFilesOf(config);
  const tls = tlsFiles && new TlsFront(server, tlsFiles, api.clientCertificates);
  const port = await listen(server, 0, '127.0.0.1');
  const url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  await api.start();
  const db = openDatabase(openPool({ ...patient, ...directDatabase(config) }, () => undefined));
  const create: TestBroker['createMasterKey'] = async (request = {}, chosen) => {
    const wanted = { ...allRights, ...request, chosenSecret: chosen };
    const { masterKey, secret } = await createMasterKey({ ...api.parts, db }, testOrigin, wanted);
    return { id: masterKey.id, secret };
  };
  const { secret } = await create();
  return {
    url,
    env,
    config,
    api,
    db,
    metrics,
    logLines,
    masterKey: secret,
    call: caller(url, secret),
    createMasterKey: create,
    replica: (changed = {}) => startReplica({ ...env, ...changed }),
    settleUsage: () => settleUsage(api, config),
    reloadTls: () => void tls?.reload(),
    drain: () => {
      state.isDraining = true;
      api.parts.following.hub.drain();
      api.parts.sealWatch.close();
    },
    close: async () => {
      api.parts.following.hub.close();
      api.parts.sealWatch.close();
      await drain(server);
      await api.close();
      await db.destroy();
    },
  };
}

const patient = {
  applicationName: 'flowplate-test',
  connectionsMax: 10,
  connectTimeoutMs: 30_000,
  statementTimeoutMs: 30_000,
  lockTimeoutMs: 30_000,
};

export const allRights: MasterKeyRequest = {
  name: 'test',
  permissions: [...masterKeyPermissions],
  organizationIds: null,
  environments: null,
  ipAllowlist: null,
  expiresAt: null,
};

async function settleUsage(api: Api, config: Config): Promise<void> {
  await api.flushUsage();
  const redis = openRedis({ redisUrl: config.REDIS_URL, commandTimeoutMs: 5_000 }, () => undefined);
  await new Promise((resolve) => redis.once('ready', resolve));
  const onSetAside = ({ error }: { error: string }) => {
    throw new Error(`A flush was set aside: ${error}`);
  };
  const flushStamps = new Stamps(config.FLOWPLATE_PEPPERS, 'usage');
  await rollUpUsage({ db: api.parts.db, redis, flushStamps, onSetAside });
  redis.disconnect();
}

import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { type Deployment, deploy, type Started, type StartedApi } from '../support/deployment.ts';
import { quietPort } from '../support/quiet-port.ts';
import { freshRedis } from '../support/redis.ts';

export type WatchedDeployment = {
  deployment: Deployment;
  api: StartedApi;
  worker: Started;
  ports: { api: number; worker: number };
  readMetrics(process: 'api' | 'worker'): Promise<string>;
};

type Stores = { databaseUrl: string; redisUrl: string };

/** An API and a worker as an operator starts them, with metrics on ports that are known. */
export async function watchedDeployment(
  env: Record<string, string> = {},
  stores?: Stores,
): Promise<WatchedDeployment> {
  const directory = await mkdtemp(join(inject('runDirectory'), 'watched-'));
  const ports = { api: await quietPort(), worker: await quietPort() };
  const deployment = deploy(stores ?? (await ownDatabases()), {
    METRICS_PORT: String(ports.api),
    WORKER_METRICS_PORT: String(ports.worker),
    AUDIT_NDJSON_FILE: join(directory, 'audit.ndjson'),
    ...env,
  });
  const api = await deployment.startApi();
  // Counts the keys when it starts, and then once a minute: by now there is a master key.
  const worker = await deployment.startWorker();
  return {
    deployment,
    api,
    worker,
    ports,
    readMetrics: async (process) => {
      const answer = await fetch(`http://127.0.0.1:${ports[process]}/metrics`);
      return answer.text();
    },
  };
}

async function ownDatabases(): Promise<Stores> {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  const redis = await freshRedis(inject('redisUrl'));
  return { databaseUrl: database.url, redisUrl: redis.url };
}

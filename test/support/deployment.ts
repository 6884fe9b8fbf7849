import { randomBytes } from 'node:crypto';
import { openBroker } from '../../scripts/admin/open-broker.ts';
import { readConfig } from '../../src/config.ts';
import { newSecret } from '../../src/domain/key-format.ts';
import { ensureFirstMasterKey } from '../../src/usecases/master-keys/ensure-first-master-key.ts';
import { type Call, caller } from './call.ts';
import { loggedLine, type ProcessOptions, type Running, startScript } from './processes.ts';

export type Started = Running;
export type StartedApi = Started & { url: string; port: number; call: Call };

/** `withinMs`: for a process that a test stops while it starts. */
export type StartOptions = Pick<ProcessOptions, 'source'> & {
  env?: Record<string, string>;
  withinMs?: number;
};

/**
 * Settings of one deployment, and its processes as an operator starts them, on free ports by
 * default.
 */
export type Deployment = {
  env: Record<string, string>;
  masterKey: string;
  startApi(options?: StartOptions): Promise<StartedApi>;
  startWorker(options?: StartOptions): Promise<Started>;
  /** Does not wait for readiness, for a test that stops it during its start. */
  launchWorker(options?: StartOptions): Promise<Started>;
};

export function deploy(
  stores: { databaseUrl: string; redisUrl: string },
  env: Record<string, string> = {},
): Deployment {
  const masterKey = env.FLOWPLATE_MASTER_KEY ?? newSecret('master', 'test', randomBytes);
  const settings = {
    DATABASE_URL: stores.databaseUrl,
    REDIS_URL: stores.redisUrl,
    FLOWPLATE_PEPPERS: `p1:${randomBytes(32).toString('base64url')}`,
    FLOWPLATE_MASTER_KEY: masterKey,
    FLOWPLATE_ENV: 'test',
    HOST: '127.0.0.1',
    PORT: '0',
    METRICS_PORT: '0',
    WORKER_METRICS_PORT: '0',
    DRAIN_MS: '0',
    // The Postgres that all tests share has fsync off, for speed.
    UNSAFE_POSTGRES: 'allow',
    ...env,
  };
  const { FLOWPLATE_MASTER_KEY: _atTheShell, ...ofProcesses } = settings;
  const start = (script: string, { env: changes, withinMs: _ofItsWaiter, ...options }: StartOptions = {}) =>
    startScript(script, { env: { ...ofProcesses, ...changes }, ...options });
  // Created by an operator at the shell, once: a process that creates it itself does not start
  // while Postgres is slow.
  let ensured: Promise<unknown> | undefined;
  const ensureMasterKey = () => {
    ensured ??= createFirstMasterKey(settings);
    return ensured;
  };
  return {
    env: settings,
    masterKey,
    startApi: async (options) => {
      await ensureMasterKey();
      const running = await start('src/main.ts', options);
      const { port } = await loggedLine(running, 'listening', options?.withinMs);
      const url = `http://127.0.0.1:${port}`;
      return { ...running, url, port: Number(port), call: caller(url, masterKey) };
    },
    startWorker: async (options) => {
      const running = await start('workers/main.ts', options);
      await loggedLine(running, 'working');
      return running;
    },
    launchWorker: (options) => start('workers/main.ts', options),
  };
}

/** Does what `scripts/master-keys.ts ensure-first` does, without a process. */
async function createFirstMasterKey(settings: Record<string, string>): Promise<void> {
  const broker = await openBroker(readConfig(settings));
  try {
    await ensureFirstMasterKey(broker, broker.firstMasterKey, broker.origin);
  } finally {
    await broker.close();
  }
}

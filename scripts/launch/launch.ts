import { join } from 'node:path';
import { migrate } from '../../src/stores/postgres/migrate.ts';
import type { Supervisor } from '../services/supervise.ts';
import { claimPort } from './claim-port.ts';
import { takeDataDir } from './data-dir.ts';
import { firstKeys } from './first-keys.ts';
import type { LaunchOptions } from './options.ts';
import { startProcesses } from './processes.ts';
import { keptSecrets } from './secrets.ts';
import { writeShellSettings } from './shell-settings.ts';
import { startStores } from './stores.ts';
import { summary } from './summary.ts';
import { waitUntilReady } from './wait-until-ready.ts';

// After a kill -9 the previous API is still draining, and holds its port.
const PREVIOUS_STOPS_MS = 15_000;

/** Starts everything, from an empty directory if needed, and returns the summary for the user. */
export async function launch(supervisor: Supervisor, options: LaunchOptions): Promise<string> {
  const { dataDir, port, metricsPort, workerMetricsPort, watch } = options;
  const { endedProperly } = await takeDataDir(dataDir);
  const waitMs = endedProperly ? 0 : PREVIOUS_STOPS_MS;
  await claimPort(port, 'the API with --port', waitMs);
  await claimPort(metricsPort, 'the metrics with --metrics-port', waitMs);
  await claimPort(workerMetricsPort, "the worker's metrics with --metrics-port", waitMs);

  const env = {
    ...process.env,
    ...(await keptSecrets(dataDir, process.env)),
    ...(await startStores(supervisor, dataDir, process.env)),
    JOURNAL_DIRECTORY: process.env.JOURNAL_DIRECTORY ?? join(dataDir, 'journal'),
    HOST: '127.0.0.1',
    PORT: String(port),
    METRICS_PORT: String(metricsPort),
    WORKER_METRICS_PORT: String(workerMetricsPort),
  };
  await migrate({ databaseUrl: process.env.DATABASE_DIRECT_URL ?? env.DATABASE_URL });
  const url = `http://127.0.0.1:${port}`;
  await startProcesses(supervisor, { env, watch });
  await waitUntilReady(url);
  // Last, and printed at once: a later failure would lose keys that are shown once.
  const keys = await firstKeys(env);
  return summary({ url, dataDir, shellFile: await writeShellSettings(dataDir, { url, ...keys }), ...keys });
}

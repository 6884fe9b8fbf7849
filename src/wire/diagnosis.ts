import type { Config } from '../config.ts';
import { readPostgresFacts } from '../stores/postgres/server-facts.ts';
import { readRedisFacts } from '../stores/redis/server-facts.ts';
import type { DiagnosisParts } from '../usecases/overview/get-diagnosis.ts';
import { connectionsOfProcess, type Stores } from './stores.ts';

/** Bounded, because an operator's page waits for it. */
const metricsMsMax = 1_000;

/** How an API process looks at its own deployment. */
export function wireDiagnosis(
  config: Config,
  stores: Stores,
): Omit<DiagnosisParts, 'readQueue' | 'isBreakGlassReady' | 'isProviderReachable'> {
  return {
    configFacts: {
      isFirstMasterKeySet: config.FLOWPLATE_MASTER_KEY !== undefined,
      trustedProxies: config.TRUSTED_PROXIES,
      logLevel: config.LOG_LEVEL,
      connectionsMax: config.API_PROCESSES * connectionsOfProcess(config),
      metricsPort: config.METRICS_PORT,
      isPasswordForEmergencies: config.PASSWORD_LOGIN === 'break-glass',
      leaseMs: config.LEASE_MS,
      failoverSecondsMax: config.FAILOVER_SECONDS_MAX,
    },
    readPostgres: () => readPostgresFacts(stores.db),
    readRedis: () => readRedisFacts(stores.redis),
    readQueueRedis: () => readRedisFacts(stores.queueRedis),
    areMetricsReachable: () => areMetricsReachable(config),
  };
}

/** Port 0 is any free one, as in tests, so that none is known. */
async function areMetricsReachable({ HOST, METRICS_PORT }: Config): Promise<boolean> {
  if (METRICS_PORT === 0) return true;
  const host = HOST === '0.0.0.0' ? '127.0.0.1' : HOST === '::' ? '[::1]' : HOST;
  const signal = AbortSignal.timeout(metricsMsMax);
  return fetch(`http://${host}:${METRICS_PORT}/health/live`, { signal }).then(
    ({ ok }) => ok,
    () => false,
  );
}

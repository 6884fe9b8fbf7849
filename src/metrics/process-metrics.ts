import { collectDefaultMetrics, Registry } from 'prom-client';
import manifest from '../../package.json' with { type: 'json' };
import type { PoolOccupancy } from '../stores/postgres/pool.ts';
import type { CommandFailure } from '../stores/redis/command-watch.ts';
import { countBy, counter } from './counters.ts';
import { dropMisnamed, readMetric } from './families.ts';

/** The dependencies that a process talks to in the background. */
const dependencies = ['postgres', 'redis', 'queue redis', 'queue', 'usage', 'audit'] as const;

const commandFailures: readonly CommandFailure[] = ['unreachable', 'late', 'refused'];

type Pool = { name: string; connectionsMax: number; occupancy: () => PoolOccupancy };

export type ProcessMetrics = ReturnType<typeof processMetrics>;

/** Metrics that every process has. */
export function processMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  dropMisnamed(registry);
  const labels = { version: manifest.version, node: process.versions.node };
  readMetric(registry, 'flowplate_build_info', () => [{ labels, value: 1 }]);
  const dependencyFaults = counter(registry, 'flowplate_dependency_faults_total');
  for (const dependency of dependencies) dependencyFaults.inc({ dependency }, 0);
  return {
    registry,
    dependencyFaults,
    countFailedCommand: countBy(registry, 'flowplate_redis_failed_commands_total', 'reason', commandFailures),
    flushesSetAside: counter(registry, 'flowplate_usage_flushes_set_aside_total'),
    flushesDropped: counter(registry, 'flowplate_usage_flushes_dropped_total'),
    watchPool: watchPools(registry),
  };
}

function watchPools(registry: Registry): (pool: Pool) => void {
  const pools: Pool[] = [];
  readMetric(registry, 'flowplate_postgres_connections', () =>
    pools.flatMap(({ name: pool, occupancy }) => {
      const { idle, busy } = occupancy();
      return [
        { labels: { pool, state: 'idle' }, value: idle },
        { labels: { pool, state: 'busy' }, value: busy },
      ];
    }),
  );
  readMetric(registry, 'flowplate_postgres_connections_max', () =>
    pools.map(({ name: pool, connectionsMax }) => ({ labels: { pool }, value: connectionsMax })),
  );
  readMetric(registry, 'flowplate_postgres_connection_waiters', () =>
    pools.map(({ name: pool, occupancy }) => ({ labels: { pool }, value: occupancy().waiters })),
  );
  return (pool) => void pools.push(pool);
}

import { unsafePostgres } from '../domain/postgres-safety.ts';
import type { HealthParts, PostgresHealth } from '../http/health.ts';
import { readPostgresSafety } from '../stores/postgres/server-facts.ts';
import { isRedisReachable } from '../stores/redis/reachable.ts';
import type { ProcessParts } from './process-parts.ts';
import type { RevocationParts } from './revocation.ts';
import type { Stores } from './stores.ts';

/** Several heartbeats, and the time that one may take. */
const commitAgeMsMax = 5_000;

/**
 * What the health checks look at. That Postgres commits is seen by the lease's own heartbeats: a
 * look that commits would leave one more waiting session with each second without a standby.
 */
export function wireHealth(
  { config, failedCommands }: ProcessParts,
  { probeDb, redis }: Stores,
  { lease, history }: RevocationParts,
): Omit<HealthParts, 'isDraining'> {
  async function lookAtPostgres(): Promise<PostgresHealth> {
    const safety = await readPostgresSafety(probeDb).catch(() => undefined);
    if (safety === undefined) return { state: 'down', problems: [] };
    if (history.isHeld) return { state: 'unsafe', problems: ['DATABASE_WENT_BACK'] };
    const found = config.UNSAFE_POSTGRES === 'allow' ? [] : unsafePostgres(safety);
    if (found.length > 0) return { state: 'unsafe', problems: found.map(({ code }) => code) };
    return { state: lease.commitAgeMs() > commitAgeMsMax ? 'no_commits' : 'up', problems: [] };
  }
  return {
    lookAtPostgres,
    isRedisUp: async () => (await isRedisReachable(redis)) && !failedCommands.areRefused(),
    isLeaseHeld: () => lease.isHeld(),
  };
}

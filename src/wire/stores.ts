import type { Config } from '../config.ts';
import { type Database, openDatabase } from '../stores/postgres/database.ts';
import type { LeasedServer } from '../stores/postgres/leased-server.ts';
import { openPool } from '../stores/postgres/pool.ts';
import { openQueueReadOnly } from '../stores/queue.ts';
import { QueueWatch } from '../stores/queue-health.ts';
import { openRedis } from '../stores/redis/client.ts';
import { defineLimitScripts } from '../stores/redis/limits.ts';
import type { Tracing } from '../tracing/tracing.ts';
import { directDatabase, requestDatabase } from './databases.ts';
import type { ProcessParts } from './process-parts.ts';
import { mainRedis, queueRedis } from './redis-connections.ts';

/** Opened on demand: a deployment without embedded verifiers has none. */
const verifierConnectionsMax = 4;
/**
 * One each for lookups of master keys, callers' keys and sessions, and one for small shared reads.
 */
const strangerConnectionsMax = 4;
/** Bounded, because an operator's page waits for it. */
const queueLookMs = 500;

/** Postgres connections of one API process at most. */
export function connectionsOfProcess({ CONTROL_CONNECTIONS_MAX, VERIFY_CONNECTIONS_MAX }: Config): number {
  const single = ['probe', 'lease', 'usage', 'reports', 'listener'].length;
  return (
    CONTROL_CONNECTIONS_MAX +
    VERIFY_CONNECTIONS_MAX +
    strangerConnectionsMax +
    verifierConnectionsMax +
    single
  );
}

export type Stores = ReturnType<typeof openStores>;

/** Opens the connections of an API process: Postgres pools by purpose, Redis by purpose. */
export function openStores(processOwn: ProcessParts) {
  const { config, metrics, closing, fault, tracing } = processOwn;
  const leasedServer: LeasedServer = { current: undefined, confirm: async () => undefined };
  const open = poolOpener(config, metrics, tracing, leasedServer);
  const db = open('control', config.CONTROL_CONNECTIONS_MAX, fault('postgres'));
  closing.add('control pool', () => db.destroy());
  const verifyDb = open('verify', config.VERIFY_CONNECTIONS_MAX, fault('postgres'));
  closing.add('verify pool', () => verifyDb.destroy());
  const strangersDb = open('strangers', strangerConnectionsMax, fault('postgres'));
  closing.add('strangers pool', () => strangersDb.destroy());
  const probeDb = open('probe', 1, fault('postgres'));
  closing.add('probe pool', () => probeDb.destroy());
  const leaseDb = open('lease', 1, fault('postgres'));
  closing.add('lease pool', () => leaseDb.destroy());
  const verifiersDb = open('verifiers', verifierConnectionsMax, fault('postgres'));
  closing.add('verifiers pool', () => verifiersDb.destroy());
  const usageDb = open('usage', 1, fault('postgres'));
  closing.add('usage pool', () => usageDb.destroy());
  const reportsDb = open('reports', 1, fault('postgres'));
  closing.add('reports pool', () => reportsDb.destroy());
  const main = { ...mainRedis(config), tracing, onFailedCommand: processOwn.failedCommands.note };
  const redis = openRedis({ ...main, commandTimeoutMs: 100 }, fault('redis'));
  closing.add('redis', () => redis.disconnect());
  // A separate connection from records and counts, which can be large. Late answers are still
  // applied.
  const limitsRedis = openRedis({ ...main, commandTimeoutMs: 1_000 }, fault('redis'));
  closing.add('limits redis', () => limitsRedis.disconnect());
  defineLimitScripts(limitsRedis);
  const ofQueue = openRedis(
    { ...queueRedis(config), tracing, commandTimeoutMs: queueLookMs },
    fault('queue redis'),
  );
  closing.add('queue redis', () => ofQueue.disconnect());
  const queue = new QueueWatch(ofQueue, () => openQueueReadOnly(ofQueue, fault('queue')));
  closing.add('queue watch', () => queue.close());

  return {
    leasedServer,
    db,
    verifyDb,
    strangersDb,
    probeDb,
    leaseDb,
    verifiersDb,
    usageDb,
    reportsDb,
    redis,
    limitsRedis,
    queueRedis: ofQueue,
    queue,
  };
}

/** Pools by kind of user, with their time-outs. A flood of one kind leaves the others alone. */
const poolTraits = {
  // Mint, refresh, revoke, lists: answered with 503 within a second if slower.
  control: { connectTimeoutMs: 800, statementTimeoutMs: 800, lockTimeoutMs: 700 },
  // Verification's reads of Postgres.
  verify: { connectTimeoutMs: 500, statementTimeoutMs: 500, lockTimeoutMs: 400, looksUpByIndex: true },
  // Everything before authentication.
  strangers: { connectTimeoutMs: 500, statementTimeoutMs: 500, lockTimeoutMs: 400, looksUpByIndex: true },
  // Probe of Postgres for /health/ready.
  probe: { connectTimeoutMs: 800, statementTimeoutMs: 800, lockTimeoutMs: 700 },
  // Heartbeats of embedded verifiers. They arrive in bursts: every change wakes them all.
  verifiers: { connectTimeoutMs: 1_000, statementTimeoutMs: 1_000, lockTimeoutMs: 900 },
  // Usage while Redis is away: thousands of keys at once, one process at a time, and no caller
  // waits.
  usage: { connectTimeoutMs: 1_000, statementTimeoutMs: 10_000, lockTimeoutMs: 5_000 },
  // Facts about the keys in a gateway's usage report.
  reports: { connectTimeoutMs: 1_000, statementTimeoutMs: 1_000, lockTimeoutMs: 900, looksUpByIndex: true },
  // Own connection: a heartbeat that waited behind other work would cost the lease.
  lease: { connectTimeoutMs: 1_000, statementTimeoutMs: 2_000, lockTimeoutMs: 1_900 },
} as const;

type OpenPool = (
  name: keyof typeof poolTraits,
  connectionsMax: number,
  onFault: (error: unknown) => void,
) => Database;

/** Opens pools that the metrics know of. */
function poolOpener(
  config: Config,
  metrics: ProcessParts['metrics'],
  tracing: Tracing | undefined,
  leasedServer: LeasedServer,
): OpenPool {
  return (name, connectionsMax, onFault) => {
    const applicationName = `flowplate-${name}`;
    const way = name === 'lease' ? directDatabase(config) : { ...requestDatabase(config), leasedServer };
    const options = { ...way, applicationName, connectionsMax, ...poolTraits[name], tracing };
    const pool = openPool(options, onFault);
    metrics.watchPool({ name, connectionsMax, occupancy: pool.occupancy });
    return openDatabase(pool);
  };
}

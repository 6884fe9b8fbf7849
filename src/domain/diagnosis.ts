import { type Finding, postgresFinding } from './finding.ts';
import { type PostgresSafety, unsafePostgres } from './postgres-safety.ts';

/** Facts about a deployment, as one API process sees them. Null where a store does not answer. */
export type DeploymentFacts = {
  config: ConfigFacts;
  postgres: PostgresFacts;
  redis: RedisFacts | null;
  queueRedis: RedisFacts | null;
  /** Seconds for which a job has been due that no worker has started; 0 when none is. */
  jobOverdueSeconds: number;
  areMetricsReachable: boolean;
  /** Whether an active super-admin is marked as a break-glass account. */
  isBreakGlassReady: boolean;
  /** Whether the identity provider answers; null without one. */
  isProviderReachable: boolean | null;
  /** This process's own clock. */
  nowMs: number;
};

export type ConfigFacts = {
  isFirstMasterKeySet: boolean;
  trustedProxies: readonly string[];
  logLevel: string;
  /** Postgres connections of all API processes of this machine at most. */
  connectionsMax: number;
  metricsPort: number;
  isPasswordForEmergencies: boolean;
  leaseMs: number;
  /** The longest failover that operators expect; undefined where they have not said. */
  failoverSecondsMax: number | undefined;
};

export type PostgresFacts = PostgresSafety & {
  /** Such as 180004 for 18.4. */
  version: number;
  replicas: number;
  connectionsMax: number;
  nowMs: number;
  pendingMigrations: readonly string[];
  unknownMigrations: readonly string[];
};

export type RedisFacts = { version: string; evictionPolicy: string; nowMs: number };

type Rule = (facts: DeploymentFacts) => Finding | undefined;

/** Errors first; within them in the order of the rules. Pure: the facts are gathered elsewhere. */
export function diagnose(facts: DeploymentFacts): Finding[] {
  const findings = [...unsafePostgres(facts.postgres), ...rules.flatMap((rule) => rule(facts) ?? [])];
  return ['error', 'warning'].flatMap((severity) => findings.filter((found) => found.severity === severity));
}

const postgresVersionMin = 150_000;
const redisVersionMin = 7;
/** Expiry is decided by Postgres's clock; logs, tokens and limits see the others. */
const clockDifferenceMsMax = 2_000;
/** The last heartbeat before a fault is up to this old (revocation/lease.ts). */
const heartbeatMsMax = 1_000;
/** Jobs run every few seconds; a minute means that no worker is there. */
const overdueSecondsMax = 60;

const rules: readonly Rule[] = [
  ({ postgres }) =>
    postgres.replicas > 0 && postgres.synchronousStandbyNames === ''
      ? postgresFinding(
          'warning',
          'POSTGRES_STANDBY_ASYNCHRONOUS',
          'Its standbys are asynchronous. A failover to one of them loses the last answered changes.',
          "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'; SELECT pg_reload_conf();",
        )
      : undefined,
  ({ config: { leaseMs, failoverSecondsMax } }) =>
    failoverSecondsMax !== undefined && leaseMs < leaseMsFor(failoverSecondsMax)
      ? {
          code: 'LEASE_SHORTER_THAN_FAILOVER',
          severity: 'warning',
          where: 'configuration',
          message: `LEASE_MS is ${leaseMs}, and a failover of Postgres takes up to ${failoverSecondsMax} s. Verification is refused with 503 from the end of the lease to the end of the failover.`,
          fix: `Set LEASE_MS=${leaseMsFor(failoverSecondsMax)} or more, or a shorter ttl and loop_wait in Patroni`,
        }
      : undefined,
  ({ postgres }) =>
    postgres.version < postgresVersionMin
      ? postgresFinding(
          'error',
          'POSTGRES_TOO_OLD',
          `Its version is ${Math.floor(postgres.version / 10_000)}; 15 is the oldest that is tested.`,
          'Upgrade Postgres (pg_upgrade)',
        )
      : undefined,
  ({ postgres: { pendingMigrations: pending } }) =>
    pending.length > 0
      ? postgresFinding(
          'error',
          'SCHEMA_MIGRATIONS_PENDING',
          `${pending.length} migrations are pending, from ${pending[0]} on. Calls that need them fail.`,
          'Run the migrations: DATABASE_URL=… npm run migrate',
        )
      : undefined,
  ({ postgres: { unknownMigrations: unknown } }) =>
    unknown.length > 0
      ? postgresFinding(
          'warning',
          'SCHEMA_NEWER',
          `The schema is newer than this process: ${unknown[0]}.`,
          'Finish the upgrade: start this process with the newer release',
        )
      : undefined,
  ({ postgres, config }) =>
    config.connectionsMax >= postgres.connectionsMax
      ? postgresFinding(
          'warning',
          'POSTGRES_CONNECTIONS_SHORT',
          `It takes ${postgres.connectionsMax} connections, and the API processes here may open ${config.connectionsMax}.`,
          'Raise max_connections, or lower API_PROCESSES, CONTROL_CONNECTIONS_MAX and VERIFY_CONNECTIONS_MAX',
        )
      : undefined,
  ({ postgres, nowMs }) => clockFinding('Postgres', postgres.nowMs, nowMs),
  ({ redis, nowMs }) => (redis === null ? undefined : clockFinding('Redis', redis.nowMs, nowMs)),
  ({ redis }) =>
    redis === null
      ? {
          code: 'REDIS_UNREACHABLE',
          severity: 'warning',
          where: 'Redis',
          message:
            'It does not answer. Verification is slower, and limits are enforced by each process alone.',
          fix: 'Start it, or correct REDIS_URL; the log of the API says why it fails',
        }
      : undefined,
  ({ redis }) =>
    redis !== null && Number.parseInt(redis.version, 10) < redisVersionMin
      ? {
          code: 'REDIS_TOO_OLD',
          severity: 'error',
          where: 'Redis',
          message: `Its version is ${redis.version}; 7 is the oldest that is tested.`,
          fix: 'Upgrade Redis, or use Valkey',
        }
      : undefined,
  ({ queueRedis }) =>
    queueRedis !== null && queueRedis.evictionPolicy !== 'noeviction'
      ? {
          code: 'QUEUE_REDIS_EVICTS',
          severity: 'error',
          where: 'Redis of the queue',
          message: `Its maxmemory-policy is ${queueRedis.evictionPolicy}. When it is full it drops scheduled jobs.`,
          fix: 'CONFIG SET maxmemory-policy noeviction, and in its configuration file; or a Redis of its own in QUEUE_REDIS_URL',
        }
      : undefined,
  ({ jobOverdueSeconds }) =>
    jobOverdueSeconds > overdueSecondsMax
      ? {
          code: 'WORKER_SILENT',
          severity: 'error',
          where: 'worker',
          message: `A job has been due for ${jobOverdueSeconds} s. Usage, audit seals and expiries are not stored.`,
          fix: 'Start the worker: node workers/main.ts; its log says why it ended',
        }
      : undefined,
  ({ areMetricsReachable, config }) =>
    areMetricsReachable
      ? undefined
      : {
          code: 'METRICS_UNREACHABLE',
          severity: 'warning',
          where: 'metrics of the API',
          message: `Nothing answers on METRICS_PORT (${config.metricsPort}), so no alert can fire.`,
          fix: 'Free the port, or set another METRICS_PORT, and restart the API',
        },
  ({ config }) =>
    config.isFirstMasterKeySet
      ? {
          code: 'FIRST_MASTER_KEY_SET',
          severity: 'warning',
          where: 'configuration',
          message:
            'FLOWPLATE_MASTER_KEY is still set. It is read at the first start only, and lies open in the environment.',
          fix: 'Remove FLOWPLATE_MASTER_KEY from the environment of the API and the worker',
        }
      : undefined,
  ({ config }) =>
    config.trustedProxies.some(isEverybody)
      ? {
          code: 'TRUSTED_PROXIES_TOO_WIDE',
          severity: 'error',
          where: 'configuration',
          message:
            'TRUSTED_PROXIES trusts everybody. Callers forge the address that allow-lists and throttles see.',
          fix: 'List only the addresses of your proxies in TRUSTED_PROXIES',
        }
      : undefined,
  ({ config, isBreakGlassReady }) =>
    config.isPasswordForEmergencies && !isBreakGlassReady
      ? {
          code: 'BREAK_GLASS_MISSING',
          severity: 'error',
          where: 'configuration',
          message:
            'PASSWORD_LOGIN is break-glass, and no active super-admin is marked for it. Every super-admin with a password still logs in with it.',
          fix: 'Mark one: flowplate platform users update <user_id> --break-glass true',
        }
      : undefined,
  ({ isProviderReachable }) =>
    isProviderReachable === false
      ? {
          code: 'IDENTITY_PROVIDER_UNREACHABLE',
          severity: 'warning',
          where: 'identity provider',
          message: 'OIDC_ISSUER does not answer with its metadata. Nobody can sign in with it.',
          fix: 'Check OIDC_ISSUER, and the way from the API to it; the log of the API says why it fails',
        }
      : undefined,
  ({ config }) =>
    config.logLevel === 'debug'
      ? {
          code: 'LOG_LEVEL_DEBUG',
          severity: 'warning',
          where: 'configuration',
          message: 'LOG_LEVEL is debug. Logs grow with every request, and each line costs time.',
          fix: 'Set LOG_LEVEL=info, and restart',
        }
      : undefined,
];

/**
 * The shortest lease that outlasts a failover, in whole seconds: its margin and the time since the
 * last heartbeat are no part of what is left of it.
 */
function leaseMsFor(failoverSeconds: number): number {
  const neededMs = failoverSeconds * 1_000 + heartbeatMsMax;
  return Math.ceil((neededMs * 15) / 14 / 1_000) * 1_000;
}

function clockFinding(where: string, itsMs: number, oursMs: number): Finding | undefined {
  const seconds = Math.round((itsMs - oursMs) / 1_000);
  if (Math.abs(itsMs - oursMs) <= clockDifferenceMsMax) return undefined;
  return {
    code: 'CLOCKS_DIFFER',
    severity: 'warning',
    where: `clock of ${where}`,
    message: `It is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} the API's. Expiries, logs and logins disagree.`,
    fix: 'Synchronise both machines (chrony or systemd-timesyncd)',
  };
}

/** Half of all addresses or more. */
function isEverybody(range: string): boolean {
  return /\/[01]$/.test(range);
}

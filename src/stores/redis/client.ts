import { once } from 'node:events';
import { Cluster, type Redis } from 'ioredis';
import { parseRedisAddress, type RedisAddress } from '../../domain/redis-address.ts';
import { storeAddress } from '../../tracing/store-address.ts';
import type { Tracing } from '../../tracing/tracing.ts';
import type { OnFailedCommand, WatchedCommands } from './command-watch.ts';
import { BoundedCluster, type ClusterSettings, PatientCluster } from './patient-cluster.ts';
import { BoundedRedis, type ConnectionOptions, PatientRedis, silenceMs } from './patient-redis.ts';
import { TlsConnector } from './tls-connector.ts';

/** A connection to one Redis, to the master of a Sentinel group, or to all masters of a Cluster. */
export type RedisClient = Redis | Cluster;

/** The texts of PEM files: own authorities, and a certificate of this client with its key. */
export type RedisTls = { ca?: string | undefined; cert?: string | undefined; key?: string | undefined };

export type RedisConnection = {
  redisUrl: string;
  tls?: RedisTls | undefined;
  commandTimeoutMs: number;
  tracing?: Tracing | undefined;
  /** Called for every command that failed, with or without a connection. */
  onFailedCommand?: OnFailedCommand | undefined;
};

/** Affects only the start of the next attempt: an unconnected client cannot miss an answer. */
const connectTimeout = 1_000;

/** How soon a Cluster's client knows of a failover that no redirection told it of. */
const slotsRefreshInterval = 1_000;

/**
 * After a failover ioredis may never settle what was sent to the old master, and a master that
 * hangs closes no connection: BullMQ would wait for ever. Above the 10 s for which it blocks at
 * most.
 */
const queueTimeouts = { commandTimeout: 11_000, blockingTimeout: 12_000, socketTimeout: 13_000 } as const;

/**
 * Connection for the request path, without queue and retries. While Redis is down a command fails
 * at once, and the caller continues without it. A hanging Redis costs at most `commandTimeoutMs` a
 * command until the connection is dropped; otherwise unanswered commands would pile up.
 */
export function openRedis(connection: RedisConnection, onError: (error: Error) => void): RedisClient {
  const address = parseRedisAddress(connection.redisUrl);
  const { tls, commandTimeoutMs, onFailedCommand, tracing } = connection;
  const watched = { commandTimeoutMs, onFailedCommand, startSpan: commandSpans(address, tracing) };
  const redis =
    address.kind === 'cluster' ? patientCluster(address, tls, watched) : patient(address, tls, watched);
  return reporting(redis, onError);
}

/** Connection for BullMQ, which blocks on it and queues commands while Redis is down. */
export function openQueueRedis(
  { redisUrl, tls }: Pick<RedisConnection, 'redisUrl' | 'tls'>,
  onError: (error: Error) => void,
): RedisClient {
  const address = parseRedisAddress(redisUrl);
  const retry = (attempt: number) => Math.min(100 * attempt, 2_000);
  const ofNode = { maxRetriesPerRequest: null, ...queueTimeouts };
  if (address.kind === 'cluster') {
    const redisOptions = { ...ofNode, ...loginOf(address), ...connectingBy(address, tls) };
    const options = { slotsRefreshInterval, clusterRetryStrategy: retry, redisOptions };
    return reporting(new BoundedCluster(address.hosts, options), onError);
  }
  const { url, options } = whereabouts(address, tls);
  return reporting(new BoundedRedis(url, { ...options, ...ofNode, retryStrategy: retry }), onError);
}

function patient(address: NotCluster, tls: RedisTls | undefined, watched: WatchedCommands): Redis {
  const { url, options } = whereabouts(address, tls);
  const ofConnection: ConnectionOptions = {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout,
    retryStrategy: (attempt) => Math.min(50 * attempt, 1_000),
    // READONLY: a failover left us on a replica. Reconnects, to find the new primary behind the
    // same address.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  };
  return new PatientRedis(url, { ...options, ...ofConnection }, watched);
}

function patientCluster(address: OfKind<'cluster'>, tls: RedisTls | undefined, watched: WatchedCommands) {
  const options: ClusterSettings = {
    enableOfflineQueue: false,
    // A caller who waited for a failover would wait for seconds.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    // Two keys of one slot that moves are on both sides for a moment.
    retryDelayOnTryAgain: 20,
    slotsRefreshInterval,
    clusterRetryStrategy: (attempt) => Math.min(50 * attempt, 1_000),
    redisOptions: {
      maxRetriesPerRequest: 0,
      connectTimeout,
      // A plain timer, which a pause of this process may bring forward: it then costs a connection.
      socketTimeout: silenceMs,
      ...loginOf(address),
      ...connectingBy(address, tls),
    },
  };
  return new PatientCluster(address.hosts, options, watched);
}

type OfKind<Kind> = Extract<RedisAddress, { kind: Kind }>;
type NotCluster = OfKind<'single' | 'sentinel'>;

/** Where ioredis finds the server that answers. */
function whereabouts(
  address: NotCluster,
  tls: RedisTls | undefined,
): { url: string | undefined; options: ConnectionOptions } {
  const tlsOptions = tlsOf(address, tls);
  // The scheme would switch TLS on without the certificates.
  if (address.kind === 'single')
    return { url: address.url.replace(/^rediss:/, 'redis:'), options: connectingBy(address, tls) };
  const { hosts, masterName, database, sentinelLogin } = address;
  const options: ConnectionOptions = {
    sentinels: [...hosts],
    name: masterName,
    db: database,
    ...loginOf(address),
    sentinelUsername: sentinelLogin.username,
    sentinelPassword: sentinelLogin.password,
    tls: tlsOptions,
    sentinelTLS: tlsOptions,
    enableTLSForSentinelMode: address.isTls,
    sentinelCommandTimeout: connectTimeout,
    // Without `failoverDetector`: by its source, a failover that it hears of while it connects can
    // end the client for good.
    sentinelRetryStrategy: (attempt) => Math.min(50 * attempt, 1_000),
  };
  return { url: undefined, options };
}

/** How the servers of an address are connected to, where no Sentinel says which. */
function connectingBy(address: RedisAddress, tls: RedisTls | undefined) {
  return address.isTls ? { tls: tlsOf(address, tls), Connector: TlsConnector } : {};
}

function tlsOf({ isTls }: RedisAddress, tls: RedisTls | undefined): RedisTls | undefined {
  return isTls ? { ...tls } : undefined;
}

function loginOf({ username, password }: OfKind<'sentinel' | 'cluster'>) {
  return { username, password };
}

function reporting<Client extends RedisClient>(redis: Client, onError: (error: Error) => void): Client {
  redis.on('error', onError);
  if (redis instanceof Cluster) redis.on('node error', onError);
  return redis;
}

function commandSpans(address: RedisAddress, tracing: Tracing | undefined): WatchedCommands['startSpan'] {
  if (tracing === undefined) return undefined;
  const namespace = address.kind === 'sentinel' ? String(address.database) : '0';
  const [{ host, port }] = address.hosts;
  const named =
    address.kind === 'single' ? storeAddress(address.url, { port, namespace }) : { host, port, namespace };
  return (name) => tracing.command(named, name);
}

/** Waits until a new connection is ready, `ms` at most. Of a Cluster, to every master. */
export async function waitUntilReady(redis: RedisClient, ms: number): Promise<void> {
  const signal = AbortSignal.timeout(ms);
  await becomesReady(redis, signal);
  await Promise.all(mastersOf(redis).map((master) => becomesReady(master, signal)));
}

async function becomesReady(redis: RedisClient, signal: AbortSignal): Promise<void> {
  if (redis.status !== 'ready') await once(redis, 'ready', { signal }).catch(() => undefined);
}

/** The servers that hold the keys: all masters of a Cluster that are known to be there. */
export function mastersOf(redis: RedisClient): Redis[] {
  return redis instanceof Cluster ? redis.nodes('master') : [redis];
}

import cluster from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from './config.ts';
import { FlowplateError } from './domain/errors.ts';
import type { GroupRoles } from './domain/group-roles.ts';
import { createApiServer } from './http/server.ts';
import { createLog } from './log.ts';
import { apiMetrics } from './metrics/api-metrics.ts';
import { metricsServer, shareWithPrimary } from './metrics/metrics-server.ts';
import { lowerPoolThreads } from './process/pool-threads.ts';
import { runProcess } from './process/run-process.ts';
import { drain, listen } from './process/serve-http.ts';
import { tlsFilesOf } from './process/tls-files.ts';
import { connectionTaker, TlsFront } from './process/tls-front.ts';
import { listening, listenOnSocket, socketServerFor } from './process/unix-socket.ts';
import { requireSafePostgres } from './stores/postgres/require-safe-postgres.ts';
import { startTracing } from './tracing/start-tracing.ts';
import { ensureFirstMasterKey } from './usecases/master-keys/ensure-first-master-key.ts';
import { requireKnownGroupRoles } from './usecases/roles/require-known-group-roles.ts';
import { wireApi } from './wire/api.ts';
import { readAgain } from './wire/read-again.ts';

const retryMs = 1_000;

/** Runs one API process from start to exit. */
export async function runApi(config: Config): Promise<void> {
  const log = createLog({ level: config.LOG_LEVEL, service: 'api' });
  const metrics = apiMetrics();
  // Before anything is waited for: a scrape waits for every process that the primary has started.
  if (cluster.isWorker) shareWithPrimary(metrics.registry);
  const tracing = await startTracing(config, 'api', log);
  const api = wireApi(config, log, metrics, tracing);
  let isDraining = false;
  const server = createApiServer({ ...api.parts, isDraining: () => isDraining });
  // Before TLS is put in front: over the Unix socket there is none.
  const socketServer = socketServerFor(connectionTaker(server));
  let tls: TlsFront | undefined;
  const watch = metricsServer(() => metrics.registry.metrics());

  async function start(): Promise<void> {
    const tlsFiles = tlsFilesOf(config);
    if (tlsFiles !== undefined) tls = new TlsFront(server, tlsFiles, api.clientCertificates);
    const { FLOWPLATE_MASTER_KEY: firstMasterKey, OIDC_ROLES: groupRoles } = config;
    if (config.UNSAFE_POSTGRES === 'refuse') await oncePostgresIsUp(() => requireSafePostgres(api.parts.db));
    if (firstMasterKey !== undefined)
      await oncePostgresIsUp(() => ensureFirstMasterKey(api.parts, firstMasterKey));
    if (groupRoles !== undefined) await oncePostgresIsUp(() => checkSignIn(groupRoles));
    await lowerPoolThreads();
    await api.start();
    const port = await listen(server, config.PORT, config.HOST);
    if (!cluster.isWorker) await listen(watch, config.METRICS_PORT, config.HOST);
    if (config.LISTEN_SOCKET !== undefined) await openSocket(config.LISTEN_SOCKET);
    log.info({ port, socket: config.LISTEN_SOCKET, tls: tls !== undefined }, 'listening');
  }

  /** In a cluster the primary has looked at the path, and opens the socket for all processes. */
  function openSocket(path: string): Promise<void> {
    return cluster.isWorker ? listening(socketServer, path) : listenOnSocket(socketServer, path);
  }

  /**
   * Waits for a Postgres that is not up yet. A process that exits instead would only be restarted.
   */
  async function oncePostgresIsUp(task: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await task();
        return;
      } catch (error) {
        if (!(error instanceof FlowplateError) || error.code !== 'DEPENDENCY_UNAVAILABLE') throw error;
        log.warn({ err: error }, 'waiting for Postgres');
        await sleep(retryMs);
      }
    }
  }

  /** Refuses roles that do not exist, and warns when no account is marked for emergencies. */
  async function checkSignIn(groupRoles: GroupRoles): Promise<void> {
    await requireKnownGroupRoles(api.parts.db, groupRoles);
    if (config.PASSWORD_LOGIN !== 'break-glass' || (await api.parts.isBreakGlassReady())) return;
    log.warn(
      'PASSWORD_LOGIN is break-glass and no active super-admin is marked: every super-admin with a password counts as one. Mark one: flowplate platform users update <user_id> --break-glass true',
    );
  }

  /**
   * Graceful shutdown: reports not ready, stops listening, finishes requests, flushes usage,
   * returns the lease.
   */
  async function stop(signal: string): Promise<void> {
    isDraining = true;
    log.info({ signal }, 'draining');
    const { hub } = api.parts.following;
    hub.drain();
    api.parts.sealWatch.close();
    await sleep(config.DRAIN_MS);
    hub.close();
    await drain(server, socketServer);
    await api.close();
    watch.close();
  }

  runProcess(log, start, stop, () => readAgain(log, config, { tls, redis: api.redisClients }));
}

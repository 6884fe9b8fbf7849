import cluster from 'node:cluster';
import { rmSync } from 'node:fs';
import { AggregatorRegistry } from 'prom-client';
import type { Config } from './config.ts';
import { createLog } from './log.ts';
import { metricsServer } from './metrics/metrics-server.ts';
import { listen } from './process/serve-http.ts';
import { readTlsFiles, tlsFilesOf } from './process/tls-files.ts';
import { makeSocketsPrivate, removeStaleSocket } from './process/unix-socket.ts';

/** Minimum time between restarts of a process, against a restart loop. */
const restartMs = 1_000;

/**
 * Cluster primary: runs several API processes behind one port. It restarts a process that dies,
 * sums metrics, and passes signals on. It serves no request and holds no connection.
 */
export function runPrimary(config: Config): void {
  const log = createLog({ level: config.LOG_LEVEL, service: 'primary' });
  const metrics = new AggregatorRegistry();
  const watch = metricsServer(() => metrics.clusterMetrics());
  let isStopping = false;
  /** Once no other process has it. */
  let ownSocket: string | undefined;

  cluster.on('exit', (worker, code, signal) => {
    if (isStopping) return;
    log.error({ pid: worker.process.pid, code, signal }, 'an API process ended');
    setTimeout(() => !isStopping && cluster.fork(), restartMs);
  });

  function stop(signal: NodeJS.Signals): void {
    if (isStopping) return;
    isStopping = true;
    const workers = living();
    let running = workers.length;
    for (const worker of workers) {
      worker.once('exit', () => {
        running -= 1;
        if (running === 0) end();
      });
      worker.process.kill(signal);
    }
    if (running === 0) end();
  }

  function end(): void {
    if (ownSocket !== undefined) rmSync(ownSocket, { force: true });
    process.exit(0);
  }

  /** The processes that have not died yet. */
  function living() {
    return Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
  }

  async function start(): Promise<void> {
    const tlsFiles = tlsFilesOf(config);
    // Each process reads them itself. One that cannot would be started again and again.
    if (tlsFiles !== undefined) readTlsFiles(tlsFiles, new Date());
    if (config.LISTEN_SOCKET !== undefined) {
      await removeStaleSocket(config.LISTEN_SOCKET);
      makeSocketsPrivate();
      ownSocket = config.LISTEN_SOCKET;
    }
    if (isStopping) return;
    for (let count = 0; count < config.API_PROCESSES; count++) cluster.fork();
    await listen(watch, config.METRICS_PORT, config.HOST);
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop(signal));
  process.on('SIGHUP', () => {
    for (const worker of living()) worker.process.kill('SIGHUP');
  });

  start().catch((error: unknown) => {
    log.fatal({ err: error }, 'could not start');
    log.flush(() => process.exit(1));
  });
}

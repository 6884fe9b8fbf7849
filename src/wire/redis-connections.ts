import type { Config } from '../config.ts';
import type { ProcessMetrics } from '../metrics/process-metrics.ts';
import type { RareWarnings } from '../rare-warnings.ts';
import type { RedisConnection, RedisTls } from '../stores/redis/client.ts';
import type { CommandFailure } from '../stores/redis/command-watch.ts';

type Where = Pick<RedisConnection, 'redisUrl'> & { tls: RedisTls; setting: string };

export function mainRedis(config: Config): Where {
  return { redisUrl: config.REDIS_URL, tls: tlsOf(config), setting: 'REDIS_URL' };
}

/** The Redis of the job queue: its own, or the other one. */
export function queueRedis(config: Config): Where {
  const { QUEUE_REDIS_URL } = config;
  if (QUEUE_REDIS_URL === undefined) return mainRedis(config);
  return { redisUrl: QUEUE_REDIS_URL, tls: tlsOf(config), setting: 'QUEUE_REDIS_URL' };
}

function tlsOf({ REDIS_CA_FILE: ca, REDIS_CERT_FILE: cert, REDIS_KEY_FILE: key }: Config): RedisTls {
  return { ca, cert, key };
}

/** Longer than the interval of health probes, so that one of them sees it. */
const refusedForMs = 2_000;

/** Counts the commands that failed, and knows whether Redis refused any a moment ago. */
export class FailedCommands {
  readonly #metrics: Pick<ProcessMetrics, 'countFailedCommand'>;
  readonly #warnings: RareWarnings;
  #refusedAtMs = Number.NEGATIVE_INFINITY;

  constructor(metrics: Pick<ProcessMetrics, 'countFailedCommand'>, warnings: RareWarnings) {
    this.#metrics = metrics;
    this.#warnings = warnings;
  }

  /** A lost connection is logged by itself; an answer that refuses is seen only here. */
  readonly note = (failure: CommandFailure, err: Error): void => {
    this.#metrics.countFailedCommand(failure);
    if (failure !== 'refused') return;
    this.#refusedAtMs = performance.now();
    this.#warnings.warn(`refused ${err.message}`, { err }, 'Redis refused a command');
  };

  /** Such as OOM, READONLY, NOPERM, CLUSTERDOWN: it answers, and limits are not counted there. */
  areRefused(): boolean {
    return performance.now() - this.#refusedAtMs < refusedForMs;
  }
}

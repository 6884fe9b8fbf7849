import { randomBytes } from 'node:crypto';
import type { Queue } from 'bullmq';
import type { AuditStream } from '../audit-streams/audit-stream.ts';
import { Refreshed } from '../concurrency/refreshed.ts';
import type { Config } from '../config.ts';
import type { Head } from '../domain/audit-seal.ts';
import type { RandomBytes } from '../domain/clock.ts';
import type { Keyring } from '../domain/key-digest.ts';
import { Stamps } from '../domain/stamp.ts';
import type { SendWebhook } from '../domain/webhook.ts';
import type { Log } from '../log.ts';
import type { WorkerMetrics } from '../metrics/worker-metrics.ts';
import { readStreamsBehind } from '../stores/postgres/audit/streams.ts';
import { type Database, openDatabase } from '../stores/postgres/database.ts';
import { countKeysByPepper, readUnsealedEvents, readVerifierStates } from '../stores/postgres/figures.ts';
import { openPool } from '../stores/postgres/pool.ts';
import { countSetAsideFlushes } from '../stores/postgres/usage/set-aside-flushes.ts';
import { readFillProgress } from '../stores/postgres/user-keys/minted-by-fill.ts';
import { readWebhookStates } from '../stores/postgres/webhooks/figures.ts';
import { offerTurns, openQueue, openWebhookQueue } from '../stores/queue.ts';
import { openQueueRedis, openRedis, type RedisClient } from '../stores/redis/client.ts';
import { countFlushes } from '../stores/redis/usage-flushes.ts';
import type { Tracing } from '../tracing/tracing.ts';
import type { AuditFault } from '../usecases/audit/audit-chain.ts';
import type { Retention } from '../usecases/usage/manage-partitions.ts';
import type { OnSetAside } from '../usecases/usage/set-flush-aside.ts';
import { RecentEvents } from '../usecases/webhooks/recent-events.ts';
import { serveWebhook } from '../usecases/webhooks/serve-webhook.ts';
import { wakeWebhooks } from '../usecases/webhooks/wake-webhooks.ts';
import type { OnAttempt } from '../usecases/webhooks/webhook-turn.ts';
import { auditStreams } from './audit-streams.ts';
import { requestDatabase } from './databases.ts';
import { processParts } from './process-parts.ts';
import { mainRedis, queueRedis } from './redis-connections.ts';
import { tellOfSetAside } from './report-set-aside-flush.ts';
import { WebhookTurns } from './webhook-turns.ts';
import { wireWebhooks } from './webhooks.ts';

export type WorkerParts = {
  db: Database;
  redis: RedisClient;
  queue: Queue;
  queueRedis: RedisClient;
  randomBytes: RandomBytes;
  keyring: Keyring;
  flushStamps: Stamps;
  onHead: (head: Head) => void;
  retention: Retention & { endedKeysDays: number };
  idleness: { keyStaleDays: number; masterKeyUnusedDays: number };
  onAuditFault: (fault: AuditFault) => void;
  onSetAside: OnSetAside;
  auditStreams: readonly AuditStream[];
  onStreamFault: (stream: AuditStream['name'], error: unknown) => void;
  webhookQueue: Queue;
  sendWebhook: SendWebhook;
  onAttempt: OnAttempt;
  recentEvents: RecentEvents;
  webhookDeliveriesDays: number;
  /** Whether the process is to end. */
  isStopping(): boolean;
  offerTurns(webhookIds: readonly string[]): Promise<void>;
};

const connectionsMax = 4;
/** A count of a million keys takes some tenths of a second. */
const keysCountedEveryMs = 60_000;

/** Builds the parts of the worker. Its statements may be slow: no caller waits for them. */
export function wireWorker(config: Config, log: Log, metrics: WorkerMetrics, tracing?: Tracing) {
  const { closing, fault, warnings, failedCommands } = processParts(config, log, metrics, tracing);
  const pool = openPool(
    {
      ...requestDatabase(config),
      applicationName: 'flowplate-worker',
      connectionsMax,
      connectTimeoutMs: 5_000,
      statementTimeoutMs: 30_000,
      lockTimeoutMs: 10_000,
      tracing,
    },
    fault('postgres'),
  );
  metrics.watchPool({ name: 'worker', connectionsMax, occupancy: pool.occupancy });
  const db = openDatabase(pool);
  closing.add('pool', () => db.destroy());
  const main = { ...mainRedis(config), tracing, onFailedCommand: failedCommands.note };
  const redis = openRedis({ ...main, commandTimeoutMs: 5_000 }, fault('redis'));
  closing.add('redis', () => redis.disconnect());
  const ofQueue = openQueueRedis(queueRedis(config), fault('queue redis'));
  closing.add('queue redis', () => ofQueue.disconnect());
  const queue = openQueue(ofQueue, fault('queue'));
  closing.add('queue', () => queue.close());

  const webhookQueue = openWebhookQueue(ofQueue, fault('queue'));
  closing.add('webhook queue', () => webhookQueue.close());
  const { sendWebhook } = wireWebhooks({ config, closing });

  const keys = new Refreshed(
    async () => ({ countedAtMs: Date.now(), counts: await countKeysByPepper(db) }),
    keysCountedEveryMs,
    fault('postgres'),
  );
  const streams = auditStreams(config);
  const rethrow = (dependency: string) => (error: unknown) => {
    fault(dependency)(error);
    throw error;
  };
  metrics.watchDeployment({
    countFlushes: () => countFlushes(redis).catch(rethrow('redis')),
    countFlushesAside: () => countSetAsideFlushes(db).catch(rethrow('postgres')),
    listVerifierStates: () => readVerifierStates(db).catch(rethrow('postgres')),
    readUnsealed: () => readUnsealedEvents(db).catch(rethrow('postgres')),
    readStreamsBehind: () =>
      readStreamsBehind(
        db,
        streams.map(({ name }) => name),
      ).catch(rethrow('postgres')),
    readFillProgress: () => readFillProgress(db).catch(rethrow('postgres')),
    readWebhookStates: () => readWebhookStates(db).catch(rethrow('postgres')),
    keys: () => keys.value,
  });
  let isStopping = false;
  const retention = {
    usageHoursDays: config.USAGE_HOURS_DAYS,
    usageDaysDays: config.USAGE_DAYS_DAYS,
    endedKeysDays: config.ENDED_KEYS_DAYS,
  };
  const parts: WorkerParts = {
    db,
    redis,
    queue,
    queueRedis: ofQueue,
    randomBytes,
    keyring: config.FLOWPLATE_PEPPERS,
    flushStamps: new Stamps(config.FLOWPLATE_PEPPERS, 'usage'),
    onHead: ({ seq, hash }) => {
      log.info({ seq, hash: hash.toString('hex') }, 'audit sealed');
      // At once, and not with the next run of its job: subscribers wait.
      void wakeWebhooks(parts).catch(fault('postgres'));
    },
    retention,
    idleness: { keyStaleDays: config.KEY_STALE_DAYS, masterKeyUnusedDays: config.MASTER_KEY_UNUSED_DAYS },
    onAuditFault: (found) => log.error(found, 'the audit log has a fault'),
    auditStreams: streams,
    onStreamFault: (stream, error) => fault(`audit stream ${stream}`)(error),
    onSetAside: tellOfSetAside(log, metrics),
    webhookQueue,
    sendWebhook,
    onAttempt: metrics.countWebhookAttempt,
    recentEvents: new RecentEvents(),
    webhookDeliveriesDays: config.WEBHOOK_DELIVERIES_DAYS,
    isStopping: () => isStopping,
    offerTurns: (webhookIds) => turns.offer(webhookIds),
  };
  const turns = new WebhookTurns({
    offer: (webhookIds) => offerTurns(webhookQueue, webhookIds),
    isQueueThere: () => ofQueue.status === 'ready',
    serve: (webhookId) => serveWebhook(parts, webhookId),
    isStopping: () => isStopping,
    onFault: fault('webhooks'),
    nowMs: () => performance.now(),
  });
  const startWatching = () => {
    closing.add('count of keys', () => keys.stop());
    keys.start();
  };
  const stop = () => {
    isStopping = true;
    return closing.run();
  };
  return { parts, turns, closing, fault, warnings, startWatching, stop };
}

import { type Job, WaitingError, Worker } from 'bullmq';
import { readConfigOrExit } from '../src/config.ts';
import { webhooksMax } from '../src/domain/webhook.ts';
import { createLog } from '../src/log.ts';
import { metricsServer } from '../src/metrics/metrics-server.ts';
import { workerMetrics } from '../src/metrics/worker-metrics.ts';
import { runProcess } from '../src/process/run-process.ts';
import { listen } from '../src/process/serve-http.ts';
import { emptyQueues, queueName, registerSchedules, webhookQueueName } from '../src/stores/queue.ts';
import { lookAtQueue } from '../src/stores/queue-look.ts';
import { waitUntilReady } from '../src/stores/redis/client.ts';
import { keyspace } from '../src/stores/redis/keyspace.ts';
import { requireKindOfServer } from '../src/stores/redis/kind-of-server.ts';
import { startTracing } from '../src/tracing/start-tracing.ts';
import { mainRedis, queueRedis } from '../src/wire/redis-connections.ts';
import { wireWorker } from '../src/wire/worker.ts';
import { type JobName, jobs } from './jobs.ts';
import { Rhythm } from './rhythm.ts';
import { SilentQueue } from './silent-queue.ts';

/** How soon schedules are back after Redis was emptied. */
const scheduleWatchMs = 5_000;
const rhythmWatchMs = 1_000;
/** Two, so that a slow sweep does not hold up the roll-up of usage. */
const places = 2;
const redisConnectsMs = 2_000;
const turnLockMs = 10_000;

const config = readConfigOrExit();
const log = createLog({ level: config.LOG_LEVEL, service: 'worker' });
const metrics = workerMetrics(Object.keys(jobs));
const tracing = await startTracing(config, 'worker', log);
const {
  parts,
  turns,
  closing,
  fault,
  warnings,
  startWatching,
  stop: close,
} = wireWorker(config, log, metrics, tracing);
const watch = metricsServer(() => metrics.registry.metrics());

const silence = new SilentQueue();
const rhythm = new Rhythm({ run, onSilence, places, nowMs: () => performance.now() });

async function start(): Promise<void> {
  await requireKindsOfServers();
  const worker = new Worker(queueName, (job) => runGiven(job.name), {
    connection: parts.queueRedis,
    prefix: keyspace.jobsPrefix,
    concurrency: places,
  });
  worker.on('error', fault('queue'));
  closing.add('worker', () => worker.close());
  serveWebhooks();
  const timer = setInterval(() => void keepSchedules(), scheduleWatchMs);
  closing.add('schedule watch', () => clearInterval(timer));
  const rhythmTimer = setInterval(() => rhythm.catchUp(), rhythmWatchMs);
  closing.add('rhythm', () => {
    clearInterval(rhythmTimer);
    return rhythm.settle();
  });
  const metricsPort = await listen(watch, config.WORKER_METRICS_PORT, config.HOST);
  closing.add('metrics', () => watch.close());
  startWatching();
  await keepSchedules();
  log.info({ metrics_port: metricsPort }, 'working');
}

/**
 * A place for each endpoint, so that none waits while others hang. The short lock brings back the
 * turns of a killed worker.
 */
function serveWebhooks(): void {
  const worker = new Worker(webhookQueueName, serveGiven, {
    connection: parts.queueRedis,
    prefix: keyspace.jobsPrefix,
    concurrency: webhooksMax,
    lockDuration: turnLockMs,
    stalledInterval: turnLockMs,
    maxStalledCount: 1_000_000,
  });
  worker.on('error', fault('queue'));
  closing.add('webhooks', () => worker.close());
  closing.add('turns', () => turns.settle());
}

async function serveGiven(job: Job, token?: string): Promise<void> {
  if ((await turns.serve(job.id ?? '')) === 'done') return;
  await job.moveToWait(token);
  throw new WaitingError();
}

/** Anybody who can write to Redis can put a job there, under a name of any length. */
async function runGiven(name: string): Promise<unknown> {
  if (Object.hasOwn(jobs, name)) {
    silence.end();
    return rhythm.runGiven(name as JobName);
  }
  return warnings.warn('unknown job', { job: name.slice(0, 100) }, 'unknown job');
}

async function run(name: JobName): Promise<unknown> {
  const end = metrics.startJob(name);
  try {
    const runJob = () => jobs[name].run(parts);
    const result = await (tracing === undefined ? runJob() : tracing.job(name, runJob));
    end('done');
    log.debug({ job: name, result }, 'job done');
    return result;
  } catch (error) {
    end('failed');
    log.error({ err: error, job: name }, 'job failed');
    throw error;
  }
}

/** A Redis that is away now is none of another kind. BullMQ waits for it. */
async function requireKindsOfServers(): Promise<void> {
  const { redis, queueRedis: ofQueue } = parts;
  await Promise.all([redis, ofQueue].map((client) => waitUntilReady(client, redisConnectsMs)));
  await requireKindOfServer(redis, mainRedis(config).setting);
  await requireKindOfServer(ofQueue, queueRedis(config).setting);
}

function onSilence(): Promise<void> {
  return lookAtQueue(queueRedis(config), async (look, redis) => {
    const measure = silence.decide(look);
    if (measure === 'none') return;
    log.warn('the queue has no runs: it was emptied');
    await emptyQueues(redis).catch(fault('queue'));
    if (measure === 'reset') return keepSchedules();
    log.fatal('the queue gives this worker no runs that are due: it ends, to be started again');
    log.flush(() => process.exit(1));
  });
}

async function keepSchedules(): Promise<void> {
  const added = await registerSchedules(parts.queue, jobs).catch(fault('queue'));
  if (Array.isArray(added) && added.length > 0) log.info({ jobs: added }, 'schedules registered');
}

/** A job that runs is finished first; whatever does not run is found again by its next run. */
async function stop(signal: string): Promise<void> {
  log.info({ signal }, 'stopping');
  await close();
}

runProcess(log, start, stop);

import { once } from 'node:events';
import { type Command, Redis, type RedisOptions } from 'ioredis';
import { startDeadline } from '../../concurrency/deadline.ts';
import { storeAddress } from '../../tracing/store-address.ts';
import type { EndSpan, Tracing } from '../../tracing/tracing.ts';

/** A connection with unanswered commands and no byte for this long is dropped. */
const silenceMs = 1_000;
/** The silence check begins when a command is this late: long enough for a slow server. */
const watchMsMin = 100;

/**
 * The largest answer that is taken in. Ours have 20 MB at most; without a bound one value in Redis
 * could take all memory of every process that reads it.
 */
const answerBytesMax = 67_108_864;

/** ioredis that drops a connection on which an answer never ends. */
class BoundedRedis extends Redis {
  /** Without a URL the options say where it is. */
  constructor(redisUrl: string | undefined, options: Omit<RedisOptions, 'replyMapping'>) {
    super(redisUrl as string, options);
    this.on('connect', () => this.#watchAnswers());
  }

  /** BullMQ's blocking connection is one of these. */
  override duplicate(override?: Partial<RedisOptions>): Redis {
    const { replyMapping: _, ...options } = { ...this.options, ...override };
    return new BoundedRedis(undefined, options);
  }

  #watchAnswers(): void {
    const { stream } = this;
    let awaited: unknown;
    let bytes = 0;
    // Behind ioredis's own listener: the command at the front is the one that is being answered.
    stream.on('data', (chunk: Buffer) => {
      const front = this.commandQueue.peekFront();
      bytes = front === awaited ? bytes + chunk.length : 0;
      awaited = front;
      if (front === undefined || bytes <= answerBytesMax) return;
      stream.destroy(new Error(`An answer of more than ${answerBytesMax} bytes`));
    });
  }
}

/**
 * ioredis with time-outs that a late event loop does not trigger early. ioredis's own
 * `commandTimeout` and `socketTimeout` are plain timers: after a pause of this process they fail
 * commands whose answers have arrived.
 */
class PatientRedis extends BoundedRedis {
  readonly #answerMs: number;
  readonly #startSpan: StartSpan | undefined;
  #isSuspected = false;

  constructor(
    { redisUrl, commandTimeoutMs, tracing }: RedisConnection,
    options: Omit<RedisOptions, 'replyMapping'>,
  ) {
    super(redisUrl, options);
    this.#answerMs = commandTimeoutMs;
    this.#startSpan = commandSpans(redisUrl, tracing);
  }

  override sendCommand(...[command, stream]: Parameters<Redis['sendCommand']>): unknown {
    const endSpan = this.#startSpan?.(command.name);
    if (endSpan !== undefined) command.promise.then(() => endSpan(), endSpan);
    const answer = super.sendCommand(command, stream);
    const cancel = startDeadline(this.#answerMs, () => this.#giveUp(command));
    command.promise.then(cancel, cancel);
    return answer;
  }

  #giveUp(command: Command): void {
    command.reject(new Error('Command timed out'));
    if (this.#isSuspected) return;
    this.#isSuspected = true;
    const { stream } = this;
    const bytesRead = stream.bytesRead;
    startDeadline(Math.max(watchMsMin, silenceMs - this.#answerMs), () => {
      this.#isSuspected = false;
      // Answers come in order: no byte since then means no answer.
      if (this.stream !== stream || stream.bytesRead !== bytesRead) return;
      stream.destroy(new Error(`No answer within ${silenceMs} ms`));
    });
  }
}

export type RedisConnection = {
  redisUrl: string;
  commandTimeoutMs: number;
  tracing?: Tracing | undefined;
};

type StartSpan = (name: string) => EndSpan | undefined;

function commandSpans(redisUrl: string, tracing: Tracing | undefined): StartSpan | undefined {
  if (tracing === undefined) return undefined;
  const address = storeAddress(redisUrl, { port: 6379, namespace: '0' });
  return (name) => tracing.command(address, name);
}

/**
 * Connection for the request path, without queue and retries. While Redis is down a command fails
 * at once, and the caller continues without it. A hanging Redis costs at most `commandTimeoutMs` a
 * command until the connection is dropped; otherwise unanswered commands would pile up.
 */
export function openRedis(connection: RedisConnection, onError: (error: Error) => void): Redis {
  const redis = new PatientRedis(connection, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    // Affects only the start of the next attempt: an unconnected client cannot miss an answer.
    connectTimeout: 1_000,
    retryStrategy: (attempt) => Math.min(50 * attempt, 1_000),
    // READONLY: a failover left us on a replica. Reconnects, to find the new primary behind the
    // same address.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  redis.on('error', onError);
  return redis;
}

/** Waits until a new connection is ready, `ms` at most. */
export async function waitUntilReady(redis: Redis, ms: number): Promise<void> {
  if (redis.status === 'ready') return;
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), ms);
  await once(redis, 'ready', { signal: controller.signal }).catch(() => undefined);
  clearTimeout(timer);
}

export async function isRedisReachable(redis: Redis): Promise<boolean> {
  return redis.ping().then(
    () => true,
    () => false,
  );
}

/** Connection for BullMQ, which blocks on it and queues commands while Redis is down. */
export function openQueueRedis(redisUrl: string, onError: (error: Error) => void): Redis {
  const redis = new BoundedRedis(redisUrl, {
    maxRetriesPerRequest: null,
    retryStrategy: (attempt) => Math.min(100 * attempt, 2_000),
  });
  redis.on('error', onError);
  return redis;
}

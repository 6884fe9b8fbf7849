import { once } from 'node:events';
import { type Command, Redis, type RedisOptions } from 'ioredis';
import { startDeadline } from '../../concurrency/deadline.ts';

/** A server that owes answers and sends no byte for about this long has its connection dropped. */
const silenceMs = 1_000;
/**
 * The watch begins when a command is late: long enough for a server that is slow but sends
 * something.
 */
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
 * ioredis with time-outs that a late event loop does not bring forward. ioredis's own
 * `commandTimeout` and `socketTimeout` are plain timers: after a pause of this process they fail
 * commands whose answers have arrived, and drop healthy connections.
 */
class PatientRedis extends BoundedRedis {
  readonly #answerMs: number;
  #isSuspected = false;

  constructor(redisUrl: string, answerMs: number, options: Omit<RedisOptions, 'replyMapping'>) {
    super(redisUrl, options);
    this.#answerMs = answerMs;
  }

  override sendCommand(...[command, stream]: Parameters<Redis['sendCommand']>): unknown {
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
      // Answers come in order: without a byte since, nothing at all was answered.
      if (this.stream !== stream || stream.bytesRead !== bytesRead) return;
      stream.destroy(new Error(`No answer within ${silenceMs} ms`));
    });
  }
}

/**
 * A connection for the request path: it never queues and never retries. While Redis is away a
 * command fails at once, and the caller goes on without it. A Redis that hangs costs at most
 * `commandTimeoutMs` a command, until the connection is dropped: otherwise unanswered commands
 * would pile up for as long as it hangs.
 */
export function openRedis(
  options: { redisUrl: string; commandTimeoutMs: number },
  onError: (error: Error) => void,
): Redis {
  const redis = new PatientRedis(options.redisUrl, options.commandTimeoutMs, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    // Bounds only how soon the next attempt begins: before it is connected there is no answer to be
    // missed.
    connectTimeout: 1_000,
    retryStrategy: (attempt) => Math.min(50 * attempt, 1_000),
    // READONLY: a failover left us on a replica. Reconnect, to find the new primary behind the same
    // address.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  redis.on('error', onError);
  return redis;
}

/** Waits until a connection that is being opened can be used, for `ms` at most. */
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

/**
 * A connection for BullMQ, which blocks on it and wants its commands to wait for a Redis that is
 * away.
 */
export function openQueueRedis(redisUrl: string, onError: (error: Error) => void): Redis {
  const redis = new BoundedRedis(redisUrl, {
    maxRetriesPerRequest: null,
    retryStrategy: (attempt) => Math.min(100 * attempt, 2_000),
  });
  redis.on('error', onError);
  return redis;
}

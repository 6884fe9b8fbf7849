import { Redis, type RedisOptions } from 'ioredis';
import { startDeadline } from '../../concurrency/deadline.ts';
import { dropEndlessAnswers } from './answer-bytes.ts';
import { CommandWatch, type WatchedCommands } from './command-watch.ts';

/** A connection with unanswered commands and no byte for this long is dropped. */
export const silenceMs = 1_000;
/** The silence check begins when a command is this late: long enough for a slow server. */
const watchMsMin = 100;

/** Without `replyMapping`, a type parameter of its own in ioredis. */
export type ConnectionOptions = Omit<RedisOptions, 'replyMapping'>;

/** ioredis that drops a connection on which an answer never ends. */
export class BoundedRedis extends Redis {
  /** Without a URL the options say where it is. */
  constructor(redisUrl: string | undefined, options: ConnectionOptions) {
    super(redisUrl as string, options);
    this.on('connect', () => dropEndlessAnswers(this));
  }

  /** BullMQ's blocking connection is one of these. */
  override duplicate(override?: Partial<RedisOptions>): Redis {
    const { replyMapping: _, ...options } = { ...this.options, ...override };
    return new BoundedRedis(undefined, options);
  }
}

/**
 * ioredis with time-outs that a late event loop does not trigger early. ioredis's own
 * `commandTimeout` and `socketTimeout` are plain timers: after a pause of this process they fail
 * commands whose answers have arrived.
 */
export class PatientRedis extends BoundedRedis {
  readonly #commands: CommandWatch;
  readonly #answerMs: number;
  #isSuspected = false;

  constructor(redisUrl: string | undefined, options: ConnectionOptions, watched: WatchedCommands) {
    super(redisUrl, options);
    this.#answerMs = watched.commandTimeoutMs;
    this.#commands = new CommandWatch(watched, () => this.#suspect());
  }

  override sendCommand(...[command, stream]: Parameters<Redis['sendCommand']>): unknown {
    this.#commands.watch(command);
    return super.sendCommand(command, stream);
  }

  #suspect(): void {
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

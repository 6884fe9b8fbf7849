import type { Redis } from 'ioredis';

/**
 * The largest answer that is taken in. Ours have 48 MB at most; without a bound one value in Redis
 * could take all memory of every process that reads it.
 */
const answerBytesMax = 67_108_864;

/** Closes the present connection of a client when one answer on it grows beyond all ours. */
export function dropEndlessAnswers(redis: Redis): void {
  const { stream } = redis;
  let awaited: unknown;
  let bytes = 0;
  // Behind ioredis's own listener: the command at the front is the one that is being answered.
  stream.on('data', (chunk: Buffer) => {
    const front = redis.commandQueue.peekFront();
    bytes = front === awaited ? bytes + chunk.length : 0;
    awaited = front;
    if (front === undefined || bytes <= answerBytesMax) return;
    stream.destroy(new Error(`An answer of more than ${answerBytesMax} bytes`));
  });
}

import { Batches } from './batches.ts';

/** About as many requests as a process can hold. */
const callersWaitingMax = 10_000;

/**
 * Coalesces reads: at most one runs, and all callers who ask meanwhile share the next one. Each
 * caller gets a result that was read after it asked, so it misses nothing. An error of the read
 * rejects for all who shared it, and `OVERLOADED` for callers beyond 10,000.
 */
export function readTogether<T>(read: () => Promise<T>): () => Promise<T> {
  const batches = new Batches<undefined, T>({
    run: async (callers) => new Array<T>(callers.length).fill(await read()),
    isOneItemsFault: () => false,
    sizeMax: Number.POSITIVE_INFINITY,
    runningMax: 1,
    waitingMax: callersWaitingMax,
  });
  return () => batches.add(undefined);
}

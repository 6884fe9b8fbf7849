import { Batches } from './batches.ts';

/** A caller is a request, and a process holds about as many of them. */
const callersWaitingMax = 10_000;

/**
 * One read for all callers who ask while an earlier one runs, with at most one running. Each caller
 * gets what was read after it asked, so nothing that it must see is missing. A fault of the read
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

import type { ChangeSink } from './verifier-memory.ts';

/**
 * Followers of the change feed as one: each hears of what it listens to, in the order of the list.
 */
export function combineSinks(sinks: readonly Partial<ChangeSink>[]): ChangeSink {
  return {
    reset(seq, refusedOrganizations) {
      for (const sink of sinks) sink.reset?.(seq, refusedOrganizations);
    },
    apply(changes, seq) {
      for (const sink of sinks) sink.apply?.(changes, seq);
    },
    forgetRecords() {
      for (const sink of sinks) sink.forgetRecords?.();
    },
  };
}

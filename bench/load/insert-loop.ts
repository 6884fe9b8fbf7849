import { bareInsert } from '../peers/bare-insert.ts';
import { Answers } from './answers.ts';
import type { LoadJob, LoadResult } from './jobs.ts';
import type { Latencies } from './latencies.ts';
import { measured } from './measured.ts';

type InsertJob = Extract<LoadJob, { kind: 'insert' }>;

/** Bare one-row INSERT: no HTTP, no audit event, no constraint handling. */
export async function runInserts(job: InsertJob): Promise<LoadResult> {
  const { insert, close } = bareInsert(job.databaseUrl, job.poolSize);
  const loop = async (endMs: number, latencies: Latencies) => {
    while (performance.now() < endMs) {
      const startedMs = performance.now();
      await insert();
      latencies.record(performance.now() - startedMs);
    }
  };
  const run = async (forMs: number, latencies: Latencies) => {
    const endMs = performance.now() + forMs;
    await Promise.all(Array.from({ length: job.atOnce }, () => loop(endMs, latencies)));
  };
  try {
    const [warmUp, answers] = [new Answers(), new Answers()];
    await run(job.warmUpMs, warmUp.latencies);
    return await measured({ warmUp, answers }, process.pid, () => run(job.forMs, answers.latencies));
  } finally {
    await close();
  }
}

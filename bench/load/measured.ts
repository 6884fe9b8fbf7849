import type { Answers } from './answers.ts';
import type { LoadResult } from './jobs.ts';
import { cpuMsOf } from './process-cpu.ts';

/** Runs the load and computes the result. */
export async function measured(
  { warmUp, answers }: { warmUp: Answers; answers: Answers },
  serverPid: number,
  run: () => Promise<void>,
): Promise<LoadResult> {
  const startedMs = performance.now();
  const cpuBefore = process.cpuUsage();
  const serverBeforeMs = cpuMsOf(serverPid);
  await run();
  const ms = performance.now() - startedMs;
  const cpu = process.cpuUsage(cpuBefore);
  const serverMs = cpuMsOf(serverPid) - serverBeforeMs;
  answers.requireMostlyRight();
  return {
    ...answers.latencies.percentiles(),
    answers: answers.latencies.count,
    inAll: { right: warmUp.latencies.count + answers.latencies.count, wrong: warmUp.wrong + answers.wrong },
    wrong: answers.wrong,
    perSecond: (answers.latencies.count / ms) * 1_000,
    loadBusy: (cpu.user + cpu.system) / 1_000 / ms,
    serverMicros: (serverMs * 1_000) / answers.latencies.count,
  };
}

import { Answers } from './answers.ts';
import { type Connection, withConnections } from './connection.ts';
import type { LoadJob, LoadResult } from './jobs.ts';
import { measured } from './measured.ts';
import { type RequestSource, requestSource } from './request-source.ts';

type FixedRateJob = Extract<LoadJob, { kind: 'fixed rate' }>;

const warmUpMs = 500;

/**
 * Open loop at a fixed rate, independent of earlier answers. A latency counts from the scheduled
 * moment, so a stalled server pays for every request that was due meanwhile; a closed loop omits
 * those ("coordinated omission", Gil Tene). Busy-waits, since a timer is a millisecond too coarse.
 */
export async function runFixedRate(job: FixedRateJob): Promise<LoadResult> {
  const source = requestSource(job.plan);
  return withConnections(job.target.port, job.connections, async (connections) => {
    const warmUp = new Answers();
    await sendOnTime(connections, source, job.perSecond, warmUpMs, warmUp);
    const answers = new Answers();
    return measured({ warmUp, answers }, job.target.pid, () =>
      sendOnTime(connections, source, job.perSecond, job.forMs, answers),
    );
  });
}

function sendOnTime(
  connections: readonly Connection[],
  source: RequestSource,
  perSecond: number,
  forMs: number,
  answers: Answers,
): Promise<void> {
  const total = Math.floor((perSecond * forMs) / 1_000);
  const free = [...connections];
  const startMs = performance.now();
  const dueMs = (index: number) => startMs + (index / perSecond) * 1_000;
  let sent = 0;
  return new Promise((resolve) => {
    const answered = (connection: Connection) => {
      free.push(connection);
      if (sent === total && free.length === connections.length) resolve();
    };
    const send = (connection: Connection, atMs: number) =>
      connection.send(source.next(), (answer) => {
        answers.take(answer, source, performance.now() - atMs);
        answered(connection);
      });
    const sendWhatIsDue = () => {
      const nowMs = performance.now();
      while (sent < total && dueMs(sent) <= nowMs) {
        const connection = free.pop();
        if (connection === undefined) break;
        send(connection, dueMs(sent++));
      }
      if (sent < total) setImmediate(sendWhatIsDue);
    };
    sendWhatIsDue();
  });
}

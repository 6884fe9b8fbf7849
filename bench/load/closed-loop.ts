import { Answers } from './answers.ts';
import { type Connection, withConnections } from './connection.ts';
import type { ClosedLoopJob, LoadResult, Until } from './jobs.ts';
import { measured } from './measured.ts';
import { polling } from './polling.ts';
import { type RequestSource, requestSource } from './request-source.ts';

/** Closed loop: each connection sends its next request as soon as it has its answer. */
export async function runClosedLoop(job: ClosedLoopJob): Promise<LoadResult> {
  const source = requestSource(job.plan);
  return withConnections(job.target.port, job.connections, async (connections) => {
    const warmUp = new Answers();
    await loop(connections, source, job.warmUp, warmUp);
    const answers = new Answers();
    return polling(job.polls, () =>
      measured({ warmUp, answers }, job.target.pid, () => loop(connections, source, job.until, answers)),
    );
  });
}

function loop(
  connections: readonly Connection[],
  source: RequestSource,
  until: Until,
  answers: Answers,
): Promise<void> {
  const endMs = performance.now() + ('forMs' in until ? until.forMs : Number.POSITIVE_INFINITY);
  let left = 'answers' in until ? until.answers : Number.POSITIVE_INFINITY;
  let running = connections.length;
  return new Promise((resolve) => {
    const send = (connection: Connection) => {
      if (left <= 0 || performance.now() >= endMs) {
        running--;
        if (running === 0) resolve();
        return;
      }
      left--;
      const request = source.next();
      const sentMs = performance.now();
      connection.send(request, (answer) => {
        answers.take(answer, source, performance.now() - sentMs);
        send(connection);
      });
    };
    for (const connection of connections) send(connection);
  });
}

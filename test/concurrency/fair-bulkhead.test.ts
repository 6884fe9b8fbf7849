import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { FairBulkhead } from '../../src/concurrency/fair-bulkhead.ts';

/** Tasks that end when they are told to, in the order in which they started. */
function controlled(limits: { runningMax: number; waitingMax: number; waitMsMax?: number }) {
  const bulkhead = new FairBulkhead({ ...limits, refusal: 'TOO_MANY_ATTEMPTS' });
  const started: string[] = [];
  const refused: string[] = [];
  const ends: Array<() => void> = [];
  const run = (place: string, name: string) =>
    void bulkhead
      .run(place, () => {
        started.push(name);
        return new Promise<void>((resolve) => ends.push(resolve));
      })
      .catch((error) => {
        expect(error).toMatchObject({ code: 'TOO_MANY_ATTEMPTS', retryAfterSeconds: 1 });
        refused.push(name);
      });
  const endNext = async () => {
    ends.shift()?.();
    await turn();
  };
  return { run, started, refused, endNext };
}

test('places take turns, whatever waits before them in another queue', async () => {
  const { run, started, endNext } = controlled({ runningMax: 1, waitingMax: 10 });
  for (const name of ['a1', 'a2', 'a3', 'a4']) run('a', name);
  for (const name of ['b1', 'b2']) run('b', name);
  run('c', 'c1');
  for (let task = 0; task < 6; task++) await endNext();
  expect(started).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
});

test('when no room is left, the longest queue loses its newest task to a shorter one', async () => {
  const { run, started, refused, endNext } = controlled({ runningMax: 1, waitingMax: 3 });
  for (const name of ['a1', 'a2', 'a3', 'a4', 'a5']) run('a', name);
  await turn();
  expect(refused).toEqual(['a5']);
  run('b', 'b1');
  await turn();
  expect(refused).toEqual(['a5', 'a4']);
  run('a', 'a6');
  run('b', 'b2');
  await turn();
  expect(refused, 'no queue is longer than that of b with another task').toEqual(['a5', 'a4', 'a6', 'b2']);
  for (let task = 0; task < 4; task++) await endNext();
  expect(started).toEqual(['a1', 'a2', 'b1', 'a3']);
});

test('as many run as may run, and a place that is handed over cannot be taken by a newcomer', async () => {
  const { run, started, endNext } = controlled({ runningMax: 2, waitingMax: 3 });
  for (const name of ['a1', 'a2', 'a3']) run('a', name);
  await turn();
  expect(started).toEqual(['a1', 'a2']);
  const ended = endNext();
  run('b', 'b1');
  await ended;
  expect(started).toEqual(['a1', 'a2', 'a3']);
});

test('a task that has waited too long is refused when its turn comes, and the next one runs', async () => {
  const { run, started, refused, endNext } = controlled({ runningMax: 1, waitingMax: 4, waitMsMax: 50 });
  for (const name of ['a1', 'a2', 'a3']) run('a', name);
  await sleep(60);
  run('b', 'b1');
  await endNext();
  expect(started).toEqual(['a1', 'b1']);
  expect(refused).toEqual(['a2']);
  await endNext();
  expect(refused).toEqual(['a2', 'a3']);
  run('a', 'a4');
  expect(started, 'no place was lost').toEqual(['a1', 'b1', 'a4']);
});

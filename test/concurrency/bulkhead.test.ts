import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Bulkhead } from '../../src/concurrency/bulkhead.ts';

/** Tasks that end when they are told to, and a record of how many ran. */
function controlledTasks() {
  const ends: Array<{ name: string; end: (error?: Error) => void }> = [];
  let running = 0;
  let runningMax = 0;
  const task = (name: string) => () =>
    new Promise<string>((resolve, reject) => {
      running += 1;
      runningMax = Math.max(runningMax, running);
      ends.push({
        name,
        end: (error) => {
          running -= 1;
          if (error === undefined) resolve(name);
          else reject(error);
        },
      });
    });
  return { task, ends, started: () => ends.map(({ name }) => name), runningMax: () => runningMax };
}

const limits = { runningMax: 2, waitingMax: 2, refusal: 'OVERLOADED' } as const;

test('as many run at once as may run, as many wait as may wait, and the next is refused at once', async () => {
  const bulkhead = new Bulkhead(limits);
  const { task, ends, started, runningMax } = controlledTasks();
  const runs = ['a', 'b', 'c', 'd'].map((name) => bulkhead.run(task(name)));
  const refused = bulkhead.run(task('e'));
  await expect(refused).rejects.toMatchObject({ code: 'OVERLOADED', retryAfterSeconds: 1 });
  expect(started()).toEqual(['a', 'b']);
  for (let index = 0; index < 4; index++) {
    ends[index]?.end();
    await turn();
  }
  expect(await Promise.all(runs)).toEqual(['a', 'b', 'c', 'd']);
  expect(runningMax()).toBe(2);
});

test('who waited longest is next, and a newcomer does not slip in before it', async () => {
  const bulkhead = new Bulkhead({ ...limits, runningMax: 1 });
  const { task, ends, started } = controlledTasks();
  void bulkhead.run(task('first'));
  void bulkhead.run(task('second'));
  ends[0]?.end();
  // In the same turn, before the place that was handed over is taken.
  const newcomer = bulkhead.run(task('newcomer'));
  await turn();
  expect(started()).toEqual(['first', 'second']);
  ends[1]?.end();
  await turn();
  ends[2]?.end();
  expect(await newcomer).toBe('newcomer');
});

test('a task that fails hands its error to its own caller and its place to the next', async () => {
  const bulkhead = new Bulkhead({ ...limits, runningMax: 1 });
  const { task, ends } = controlledTasks();
  const failing = bulkhead.run(task('failing'));
  const next = bulkhead.run(task('next'));
  ends[0]?.end(new Error('no'));
  await expect(failing).rejects.toThrow('no');
  ends[1]?.end();
  expect(await next).toBe('next');
});

test('a task that throws before it returns a promise does not keep its place', async () => {
  const bulkhead = new Bulkhead({ ...limits, runningMax: 1, waitingMax: 0 });
  const broken = () => {
    throw new Error('no');
  };
  await expect(bulkhead.run(broken)).rejects.toThrow('no');
  expect(await bulkhead.run(async () => 'free')).toBe('free');
});

test('what is taken piece by piece keeps its place until it ends, fails or is left', async () => {
  const bulkhead = new Bulkhead({ ...limits, runningMax: 1, waitingMax: 0, retryAfterSeconds: 5 });
  async function* pieces() {
    yield 'first';
    yield 'second';
    throw new Error('no');
  }
  const running = bulkhead.stream(pieces());
  const idle = bulkhead.stream(pieces());
  expect(await running.next()).toEqual({ done: false, value: 'first' });
  await expect(idle.next()).rejects.toMatchObject({ code: 'OVERLOADED', retryAfterSeconds: 5 });
  await running.return();
  const failing = bulkhead.stream(pieces());
  await failing.next();
  await failing.next();
  await expect(failing.next()).rejects.toThrow('no');
  const left: string[] = [];
  for await (const piece of bulkhead.stream(pieces())) {
    left.push(piece);
    break;
  }
  expect(left).toEqual(['first']);
  expect(await bulkhead.run(async () => 'free')).toBe('free');
});

test('after a flood every place is free again', async () => {
  const bulkhead = new Bulkhead({ ...limits, waitingMax: 10 });
  const flood = await Promise.allSettled(Array.from({ length: 50 }, () => bulkhead.run(() => turn())));
  expect(flood.filter(({ status }) => status === 'fulfilled')).toHaveLength(12);
  const { task, ends, started } = controlledTasks();
  const runs = [bulkhead.run(task('a')), bulkhead.run(task('b'))];
  expect(started()).toEqual(['a', 'b']);
  for (const { end } of ends) end();
  await Promise.all(runs);
});

import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Batches } from '../../src/concurrency/batches.ts';

/** Batches that end when they are told to. */
function controlled(limits: { sizeMax?: number; runningMax?: number; waitingMax?: number } = {}) {
  const started: { items: readonly string[]; end: (error?: Error) => void }[] = [];
  const batches = new Batches<string, string>({
    run: (items) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error) =>
          error === undefined ? resolve(items.map((item) => item.toUpperCase())) : reject(error);
        started.push({ items, end });
      }),
    isOneItemsFault: (error) => (error as Error).message === 'one item',
    sizeMax: 3,
    runningMax: 1,
    waitingMax: 5,
    ...limits,
  });
  return { batches, started, itemsOf: () => started.map(({ items }) => items) };
}

test('the first goes at once, and what comes while it is under way goes together', async () => {
  const { batches, started, itemsOf } = controlled();
  const results = [batches.add('a')];
  await turn();
  results.push(batches.add('b'), batches.add('c'));
  await turn();
  expect(itemsOf()).toEqual([['a']]);
  started[0]?.end();
  await results[0];
  await turn();
  expect(itemsOf()).toEqual([['a'], ['b', 'c']]);
  started[1]?.end();
  expect(await Promise.all(results)).toEqual(['A', 'B', 'C']);
});

test('a batch has at most its size, and as many run as may run', async () => {
  const { batches, itemsOf } = controlled({ runningMax: 2, waitingMax: 8 });
  for (const item of 'abcdefgh') void batches.add(item);
  await turn();
  expect(itemsOf()).toEqual([
    ['a', 'b', 'c'],
    ['d', 'e', 'f'],
  ]);
});

test('who comes when too many wait is refused', async () => {
  const { batches } = controlled();
  for (const item of 'abcde') void batches.add(item);
  await expect(batches.add('f')).rejects.toMatchObject({ code: 'OVERLOADED' });
});

test('a batch that fails, fails for all of its items, and the next one runs', async () => {
  const { batches, started } = controlled();
  const results = Promise.allSettled([batches.add('a'), batches.add('b')]);
  await turn();
  started[0]?.end(new Error('all away'));
  expect((await results).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  const next = batches.add('c');
  await turn();
  started[1]?.end();
  expect(await next).toBe('C');
});

test('when the fault may be one of its items, each is tried alone, and only that one fails', async () => {
  const { batches, started, itemsOf } = controlled();
  const results = Promise.allSettled([batches.add('good'), batches.add('bad')]);
  await turn();
  started[0]?.end(new Error('one item'));
  await turn();
  expect(itemsOf()).toEqual([['good', 'bad'], ['good'], ['bad']]);
  started[1]?.end();
  started[2]?.end(new Error('one item'));
  expect(await results).toMatchObject([
    { status: 'fulfilled', value: 'GOOD' },
    { status: 'rejected', reason: { message: 'one item' } },
  ]);
});

test('a batch runs in the asynchronous context of the first in it, not in that of the batch before', async () => {
  const context = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const batches = new Batches<string, void>({
    run: async (items) => {
      seen.push(context.getStore());
      await turn();
      return items.map(() => undefined);
    },
    isOneItemsFault: () => false,
    sizeMax: 2,
    runningMax: 1,
    waitingMax: 5,
  });
  await Promise.all(['a', 'b', 'c', 'd', 'e'].map((item) => context.run(item, () => batches.add(item))));
  expect(seen).toEqual(['a', 'c', 'e']);
});

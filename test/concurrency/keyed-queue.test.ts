import { setImmediate as nextTick } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { KeyedQueue } from '../../src/concurrency/keyed-queue.ts';
import { FlowplateError } from '../../src/domain/errors.ts';

test('tasks of one name run one after another in the order in which they came', async () => {
  const turns = new KeyedQueue();
  const seen: string[] = [];
  const task = (name: string) => async () => {
    seen.push(`${name} begins`);
    await nextTick();
    seen.push(`${name} ends`);
  };
  await Promise.all([turns.run('user', task('first')), turns.run('user', task('second'))]);
  expect(seen).toEqual(['first begins', 'first ends', 'second begins', 'second ends']);
});

test('tasks of different names run side by side', async () => {
  const turns = new KeyedQueue();
  let release: () => void = () => undefined;
  const held = turns.run('one', () => new Promise<void>((resolve) => (release = resolve)));
  await expect(turns.run('other', async () => 'done')).resolves.toBe('done');
  release();
  await held;
});

test('a failure is the failing task alone', async () => {
  const turns = new KeyedQueue();
  const failing = turns.run('user', async () => {
    throw new Error('mine');
  });
  const next = turns.run('user', async () => 'done');
  await expect(failing).rejects.toThrow('mine');
  await expect(next).resolves.toBe('done');
});

test('who waits behind a task that found the database away is refused without trying, and a later task tries again', async () => {
  const turns = new KeyedQueue((error) => error instanceof FlowplateError);
  let tried = 0;
  const away = async () => {
    tried += 1;
    await nextTick();
    throw new FlowplateError('DEPENDENCY_UNAVAILABLE');
  };
  const outcomes = await Promise.allSettled([
    turns.run('user', away),
    turns.run('user', away),
    turns.run('user', away),
  ]);
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(tried).toBe(1);
  await expect(turns.run('user', async () => 'back')).resolves.toBe('back');
});

test('who waits behind a task that waited too long for a lock gets its own try', async () => {
  const turns = new KeyedQueue(() => false);
  const late = turns.run('user', async () => {
    throw new FlowplateError('DEPENDENCY_UNAVAILABLE');
  });
  const next = turns.run('user', async () => 'done');
  await expect(late).rejects.toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
  await expect(next).resolves.toBe('done');
});

test('a queue without end is refused', async () => {
  const turns = new KeyedQueue();
  let release: () => void = () => undefined;
  const held = turns.run('user', () => new Promise<void>((resolve) => (release = resolve)));
  const waiting = Array.from({ length: 499 }, () => turns.run('user', async () => undefined));
  await expect(turns.run('user', async () => undefined)).rejects.toMatchObject({ code: 'OVERLOADED' });
  release();
  await Promise.all([held, ...waiting]);
});

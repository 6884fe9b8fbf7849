import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readTogether } from '../../src/concurrency/read-together.ts';

function controlled() {
  const reads: Array<{ answer: (value: string) => void; fail: (error: Error) => void }> = [];
  const read = readTogether(() => new Promise<string>((answer, fail) => void reads.push({ answer, fail })));
  return { read, reads };
}

test('callers of one moment share a read; those that come while it runs share the next, however many', async () => {
  const { read, reads } = controlled();
  const first = [read(), read()];
  await turn();
  const second = Array.from({ length: 1_000 }, () => read());
  await turn();
  expect(reads).toHaveLength(1);
  reads[0]?.answer('old');
  expect(await Promise.all(first)).toEqual(['old', 'old']);
  await turn();
  expect(reads).toHaveLength(2);
  reads[1]?.answer('new');
  expect(new Set(await Promise.all(second))).toEqual(new Set(['new']));
});

test('a read that fails, fails for those who shared it, and the next one runs', async () => {
  const { read, reads } = controlled();
  const failed = Promise.allSettled([read(), read()]);
  await turn();
  reads[0]?.fail(new Error('away'));
  expect((await failed).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  const next = read();
  await turn();
  reads[1]?.answer('there');
  expect(await next).toBe('there');
});

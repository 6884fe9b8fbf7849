import { expect, test } from 'vitest';
import { startProgress } from '../../src/cli/output/progress.ts';

function stream(isTTY: boolean) {
  const written: string[] = [];
  const write = (text: string) => written.push(text) > 0;
  return { written, stream: { isTTY, columns: 12, write } as unknown as NodeJS.WriteStream };
}

test('at a terminal progress is one line, drawn over and over, and gone at the end', async () => {
  const { written, stream: terminal } = stream(true);
  const progress = startProgress(terminal);
  progress.show('1000 events and more');
  await expect.poll(() => written).toContain('\r\u001b[K1000 events');
  progress.end();
  expect(written.at(-1)).toBe('\r\u001b[K');
  expect(written.join('')).not.toContain('\n');
});

test('nothing is drawn where nobody watches', () => {
  const { written, stream: pipe } = stream(false);
  const progress = startProgress(pipe);
  progress.show('1000 events');
  progress.end();
  expect(written).toEqual([]);
});

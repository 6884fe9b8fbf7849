import { expect, test } from 'vitest';
import { jobs } from '../../workers/jobs.ts';
import { Rhythm } from '../../workers/rhythm.ts';
import { SilentQueue } from '../../workers/silent-queue.ts';

const nothingDue = { dueForSeconds: 0 };
const longDue = { dueForSeconds: 28 };

test('runs that are due and not begun end the process', () => {
  expect(new SilentQueue().decide(longDue)).toBe('restart');
});

test('a queue without due runs is emptied, and ends the process when that was of no use', () => {
  const silence = new SilentQueue();
  expect(silence.decide(nothingDue)).toBe('reset');
  expect(silence.decide(nothingDue)).toBe('restart');
});

test('a queue that gave runs after it was emptied starts anew', () => {
  const silence = new SilentQueue();
  expect(silence.decide(nothingDue)).toBe('reset');
  silence.end();
  expect(silence.decide(nothingDue)).toBe('reset');
});

test('while Redis is away nothing is done, and just after it nothing either', () => {
  const silence = new SilentQueue();
  expect(silence.decide('away')).toBe('none');
  expect(silence.decide('away')).toBe('none');
  expect(silence.decide(longDue)).toBe('none');
  expect(silence.decide(longDue)).toBe('restart');
});

function rhythmAt() {
  const clock = { ms: 0 };
  const silences: number[] = [];
  const running: Array<() => void> = [];
  const rhythm = new Rhythm({
    run: () => new Promise<void>((resolve) => void running.push(resolve)),
    onSilence: async () => void silences.push(clock.ms),
    places: 2,
    nowMs: () => clock.ms,
  });
  const until = (ms: number) => {
    for (; clock.ms < ms; clock.ms += 1_000) rhythm.catchUp();
  };
  return { rhythm, silences, running, until };
}

test('a queue that gives no run for half a minute is silent, once in each half a minute', () => {
  const { silences, until } = rhythmAt();
  until(95_000);
  expect(silences).toEqual([31_000, 62_000, 93_000]);
});

test('a queue that gives runs is not', async () => {
  const { rhythm, silences, running, until } = rhythmAt();
  for (let ms = 0; ms < 120_000; ms += jobs['roll-up-usage'].everyMs) {
    until(ms);
    const given = rhythm.runGiven('roll-up-usage');
    running.at(-1)?.();
    await given;
  }
  expect(silences).toEqual([]);
});

test('slow jobs in every place are no silence', async () => {
  const { rhythm, silences, running, until } = rhythmAt();
  const given = [rhythm.runGiven('prune-changes'), rhythm.runGiven('prune-sessions')];
  const ends = [...running];
  until(100_000);
  expect(silences).toEqual([]);
  for (const end of ends) end();
  await Promise.all(given);
  until(140_000);
  expect(silences).toHaveLength(1);
});

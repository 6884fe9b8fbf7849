import { expect, test } from 'vitest';
import { RareWarnings } from '../src/rare-warnings.ts';

function watched() {
  const written: [Record<string, unknown>, string][] = [];
  const clock = { ms: 0 };
  const log = { warn: (...line: [Record<string, unknown>, string]) => void written.push(line) };
  const warnings = new RareWarnings(
    log as unknown as ConstructorParameters<typeof RareWarnings>[0],
    () => clock.ms,
  );
  return { warnings, written, clock };
}

test('the same warning is written once in ten seconds, then with the number that was left out', () => {
  const { warnings, written, clock } = watched();
  for (let time = 0; time < 15_000; time++)
    warnings.warn(`redis MOVED ${time} 127.0.0.1:${time}`, { time }, 'fault');
  expect(written).toEqual([[{ time: 0 }, 'fault']]);
  clock.ms = 10_000;
  warnings.warn('redis MOVED 1 127.0.0.1:1', { time: 15_000 }, 'fault');
  expect(written.slice(1)).toEqual([[{ time: 15_000, left_out: 14_999 }, 'fault']]);
  clock.ms = 20_000;
  warnings.warn('redis MOVED 1 127.0.0.1:1', {}, 'fault');
  expect(written.slice(2)).toEqual([[{}, 'fault']]);
});

test('a warning of another kind is written beside it', () => {
  const { warnings, written } = watched();
  warnings.warn('redis MOVED', {}, 'fault');
  warnings.warn('redis OOM', {}, 'fault');
  warnings.warn('postgres MOVED', {}, 'fault');
  expect(written).toHaveLength(3);
});

test('a hundred kinds are told apart, and a flood of others takes no more room', () => {
  const { warnings, written } = watched();
  const kinds = Array.from({ length: 200 }, (_, kind) => String.fromCodePoint(0x4e00 + kind));
  for (const kind of kinds) warnings.warn(kind, {}, 'fault');
  expect(written).toHaveLength(200);
  for (const kind of kinds.slice(100)) warnings.warn(kind, {}, 'fault');
  expect(written).toHaveLength(200);
  warnings.warn(kinds[0] as string, {}, 'fault');
  expect(written).toHaveLength(201);
});

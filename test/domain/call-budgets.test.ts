import { expect, test } from 'vitest';
import { CallBudgets, callsPerMinuteMax } from '../../src/domain/call-budgets.ts';

test('a verifier may report a minute at once, and then as much as it can decide', () => {
  const budgets = new CallBudgets();
  expect(budgets.spend('one', callsPerMinuteMax, 0)).toBe(true);
  expect(budgets.spend('one', 1, 0)).toBe(false);
  expect(budgets.spend('one', callsPerMinuteMax / 60, 1_000)).toBe(true);
  expect(budgets.spend('one', callsPerMinuteMax / 60, 1_500)).toBe(false);
});

test('no more than a minute is saved up, and what is refused costs nothing', () => {
  const budgets = new CallBudgets();
  expect(budgets.spend('one', callsPerMinuteMax + 1, 0)).toBe(false);
  expect(budgets.spend('one', callsPerMinuteMax + 1, 3_600_000)).toBe(false);
  expect(budgets.spend('one', callsPerMinuteMax, 3_600_000)).toBe(true);
});

test('one verifier takes nothing from another', () => {
  const budgets = new CallBudgets();
  expect(budgets.spend('one', callsPerMinuteMax, 0)).toBe(true);
  expect(budgets.spend('other', callsPerMinuteMax, 0)).toBe(true);
});

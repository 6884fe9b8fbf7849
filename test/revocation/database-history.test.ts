import { expect, test } from 'vitest';
import type { HistoryPosition } from '../../src/domain/database-history.ts';
import { DatabaseHistory } from '../../src/revocation/database-history.ts';

const one = '11111111-1111-4111-8111-111111111111';
const other = '22222222-2222-4222-8222-222222222222';
const unavailable = expect.objectContaining({ code: 'DEPENDENCY_UNAVAILABLE' });

function at(place: Partial<HistoryPosition> = {}): HistoryPosition {
  return { historyId: one, lastSeq: 10, timeline: 3, heldReason: null, server: 'one', ...place };
}

/** A history that has begun at feed position 10, and what it did to others. */
async function begun(contradiction?: string) {
  const told: string[] = [];
  const history = new DatabaseHistory({
    readPosition: async () => at(),
    listHistories: async () => [one],
    hold: async (reason) => void told.push(reason),
    readJournal: async () => async () => contradiction,
    onHeld: () => undefined,
    onServer: () => undefined,
  });
  if (contradiction === undefined) await history.begin();
  return { history, told };
}

test.each([
  ['a feed that ends before what is known', at({ lastSeq: 9 }), 'change feed ends before'],
  ['an earlier timeline', at({ timeline: 2 }), 'timeline is an earlier one'],
])('%s holds the database for every process', async (_what, position, reason) => {
  const { history, told } = await begun();
  await expect(history.judge(position, 10)).rejects.toEqual(unavailable);
  expect(told).toEqual([expect.stringContaining(reason)]);
  expect(() => history.requireFree()).toThrow();
  expect(() => history.requireCurrent(at(), 10)).toThrow();
});

test('a promotion that lost nothing is the same history', async () => {
  const { history, told } = await begun();
  expect(await history.judge(at({ timeline: 4, lastSeq: 12 }), 10)).toBe(true);
  history.requireCurrent(at({ lastSeq: 12 }), 12);
  expect(told).toEqual([]);
});

test('a process that met an earlier state for a moment goes on where it knows everything again', async () => {
  const { history } = await begun();
  await expect(history.judge(at({ lastSeq: 9 }), 10)).rejects.toEqual(unavailable);
  expect(await history.judge(at(), 10)).toBe(true);
  history.requireFree();
});

test('what another process holds is held here, and a new history sets free and starts anew', async () => {
  const { history, told } = await begun();
  await expect(history.judge(at({ historyId: null, heldReason: 'why' }), 10)).rejects.toEqual(unavailable);
  expect(() => history.requireFree()).toThrow();
  expect(await history.judge(at({ historyId: other, lastSeq: 2, timeline: 1 }), 10)).toBe(false);
  history.requireFree();
  expect(history.bytes.toString('hex')).toBe(other.replaceAll('-', ''));
  expect(told).toEqual([]);
});

test('a read is judged by the position that was known before it, and by its history', async () => {
  const { history } = await begun();
  history.requireCurrent(at(), 10);
  expect(() => history.requireCurrent(at({ lastSeq: 9 }), 10)).toThrow();
  expect(() => history.requireCurrent(at({ historyId: other }), 10)).toThrow();
  expect(() => history.requireCurrent(at({ historyId: null }), 0)).toThrow();
});

test('before it has begun nothing is believed; what its journal contradicts is held', async () => {
  const { history, told } = await begun('the journal knows more');
  expect(() => history.requireCurrent(at(), 0)).toThrow();
  await expect(history.begin()).rejects.toEqual(unavailable);
  expect(told).toEqual(['the journal knows more']);
});

import { beforeEach, describe, expect, test } from 'vitest';
import type { KeyRefusal } from '../../src/domain/key-refusal.ts';
import { LastRefusals } from '../../src/verify/last-refusals.ts';

const from = { endpoint: 'authz', requestId: 'req_1', traceId: null, masterKeyId: 'flm_1' } as const;

let delivered: KeyRefusal[][];
let leftOut: number;
let isAway: boolean;
let refusals: LastRefusals;
beforeEach(() => {
  [delivered, leftOut, isAway] = [[], 0, false];
  refusals = new LastRefusals({
    deliver: async (some) => {
      if (isAway) throw new Error('away');
      delivered.push([...some]);
    },
    onFault: () => undefined,
    onLeftOut: () => {
      leftOut += 1;
    },
  });
});

const note = (keyId: string, atMs = 0) => refusals.note(keyId, 'REVOKED', atMs, undefined, from);
const timesOf = (some: readonly KeyRefusal[] = []) => some.map(({ atMs }) => atMs);

test('a refusal is handed over once, with its address as it is read everywhere', async () => {
  refusals.note('flk_1', 'IP_NOT_ALLOWED', 7.9, '[2001:DB8::1]:443', from);
  refusals.note('flk_1', 'EXPIRED', 8, 'nonsense', from);
  await refusals.flush();
  await refusals.flush();
  const common = { ...from, keyId: 'flk_1' };
  expect(delivered).toEqual([
    [
      { ...common, serial: 0, code: 'IP_NOT_ALLOWED', atMs: 7, ip: '2001:db8::1' },
      { ...common, serial: 1, code: 'EXPIRED', atMs: 8, ip: null },
    ],
  ]);
});

test('keys of tenants and of the platform have none', async () => {
  note('ak_1');
  await refusals.flush();
  expect([delivered, leftOut]).toEqual([[], 0]);
});

describe('memory is bounded', () => {
  test('to the last 20 of a key, however often it is refused', async () => {
    for (let atMs = 0; atMs < 100_000; atMs++) note('flk_1', atMs);
    note('flk_2', 5);
    await refusals.flush();
    const [some = []] = delivered;
    expect(timesOf(some.filter(({ keyId }) => keyId === 'flk_1'))).toEqual(
      Array.from({ length: 20 }, (_, n) => 99_980 + n),
    );
    expect(some.filter(({ keyId }) => keyId === 'flk_2')).toHaveLength(1);
    expect(leftOut).toBe(0);
  });

  test('to 1,000 in an attack that hits a million keys, and after it there is room again', async () => {
    global.gc?.();
    const before = process.memoryUsage().heapUsed;
    for (let n = 0; n < 1_000_000; n++) note(`flk_${n}`);
    expect(leftOut).toBe(999_000);
    global.gc?.();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64_000_000);
    await refusals.flush();
    expect(delivered[0]).toHaveLength(1_000);
    note('flk_after');
    await refusals.flush();
    expect(delivered[1]).toHaveLength(1);
  });

  test('a key that has a place in the flood goes on being told by its newest', async () => {
    note('flk_mine', 1);
    for (let n = 0; n < 5_000; n++) note(`flk_${n}`, 2);
    note('flk_mine', 3);
    await refusals.flush();
    expect(timesOf(delivered[0]?.filter(({ keyId }) => keyId === 'flk_mine'))).toEqual([3]);
    expect(delivered[0]).toHaveLength(1_000);
  });
});

describe('while they cannot be delivered', () => {
  test('they are kept for the next time, and the newest of a key win', async () => {
    for (let atMs = 0; atMs < 15; atMs++) note('flk_1', atMs);
    isAway = true;
    await expect(refusals.flush()).rejects.toThrow('away');
    for (let atMs = 15; atMs < 25; atMs++) note('flk_1', atMs);
    isAway = false;
    await refusals.flush();
    expect(timesOf(delivered[0])).toEqual(Array.from({ length: 20 }, (_, n) => 5 + n));
  });

  test('they stay bounded', async () => {
    isAway = true;
    for (let round = 0; round < 10; round++) {
      for (let n = 0; n < 1_000; n++) note(`flk_${round}_${n}`);
      await expect(refusals.flush()).rejects.toThrow('away');
    }
    isAway = false;
    await refusals.flush();
    expect(delivered[0]).toHaveLength(1_000);
  });
});

import { describe, expect, test } from 'vitest';
import { minuteMs, type UsageFlush } from '../../src/domain/usage.ts';
import type { VerdictCode } from '../../src/domain/verdict.ts';
import { type Tally, UsageRecorder } from '../../src/verify/usage-recorder.ts';
import { eventually } from '../support/eventually.ts';

const atMs = Date.parse('2030-06-15T23:59:59.000Z');

/** Takes deliveries, or refuses as many as it is told to; keeps what was sent either way. */
function recipient() {
  const sent: UsageFlush[] = [];
  const arrived: UsageFlush[] = [];
  const state = { refusals: 0 };
  const deliver = async (flush: UsageFlush) => {
    sent.push(flush);
    await new Promise((resolve) => setImmediate(resolve));
    if (state.refusals-- > 0) throw new Error('away');
    arrived.push(flush);
  };
  const callsArrived = () => arrived.flatMap(({ marks }) => marks).reduce((sum, { calls }) => sum + calls, 0);
  return { sent, arrived, state, deliver, callsArrived };
}

function newRecorder(deliver: (flush: UsageFlush) => Promise<void>) {
  const faults: unknown[] = [];
  const recorder = new UsageRecorder(deliver, (fault) => void faults.push(fault));
  const tallies = new Map<string, Tally>();
  /** With one record for each line. */
  const mark = (lineageId: string, code: VerdictCode, cost: number, nowMs: number) => {
    const tally = tallies.get(lineageId) ?? { openMark: undefined };
    tallies.set(lineageId, tally);
    recorder.mark(tally, lineageId, code, cost, nowMs);
  };
  return { recorder, mark, faults };
}

describe('marks', () => {
  test('of one line, minute and outcome are one sum with its first and last time', async () => {
    const { deliver, arrived } = recipient();
    const { recorder, mark } = newRecorder(deliver);
    for (const [cost, afterMs] of [
      [1, 0],
      [2, 300.7],
      [5, 999],
    ] as const) {
      mark('flk_1', 'VALID', cost, atMs + afterMs);
    }
    await recorder.flush();
    expect(arrived[0]?.marks).toMatchObject([
      {
        lineageId: 'flk_1',
        minuteMs: Date.parse('2030-06-15T23:59:00.000Z'),
        code: 'VALID',
        calls: 3,
        cost: 8,
        firstAtMs: atMs,
        lastAtMs: atMs + 999,
      },
    ]);
  });

  test('of other lines, minutes and outcomes stay apart', async () => {
    const { deliver, arrived } = recipient();
    const { recorder, mark } = newRecorder(deliver);
    mark('flk_1', 'VALID', 1, atMs);
    mark('flk_2', 'VALID', 1, atMs);
    mark('flk_1', 'REVOKED', 0, atMs);
    mark('flk_1', 'VALID', 1, atMs + minuteMs);
    await recorder.flush();
    expect(arrived[0]?.marks.map(({ lineageId, code, calls }) => [lineageId, code, calls])).toEqual([
      ['flk_1', 'VALID', 1],
      ['flk_2', 'VALID', 1],
      ['flk_1', 'REVOKED', 1],
      ['flk_1', 'VALID', 1],
    ]);
  });

  test('of one line are found again whatever came in between', async () => {
    const { deliver, arrived } = recipient();
    const { recorder, mark } = newRecorder(deliver);
    for (const code of ['VALID', 'INSUFFICIENT_SCOPE', 'VALID', 'INSUFFICIENT_SCOPE', 'VALID'] as const) {
      mark('flk_1', code, 1, atMs);
    }
    await recorder.flush();
    expect(arrived[0]?.marks.map(({ code, calls }) => [code, calls])).toEqual([
      ['VALID', 3],
      ['INSUFFICIENT_SCOPE', 2],
    ]);
  });

  test('keep their first and last time in order although the clock is put back a little', async () => {
    const { deliver, arrived } = recipient();
    const { recorder, mark } = newRecorder(deliver);
    mark('flk_1', 'VALID', 1, atMs + 500);
    mark('flk_1', 'VALID', 1, atMs + 490);
    await recorder.flush();
    expect(arrived[0]?.marks[0]).toMatchObject({ firstAtMs: atMs + 490, lastAtMs: atMs + 500 });
  });
});

describe('a flush', () => {
  test('of nothing delivers nothing', async () => {
    const { deliver, sent } = recipient();
    await newRecorder(deliver).recorder.flush();
    expect(sent).toEqual([]);
  });

  test('that failed is repeated under its id, unchanged, before anything newer', async () => {
    const { deliver, sent, arrived, state } = recipient();
    const { recorder, mark } = newRecorder(deliver);
    state.refusals = 2;
    mark('flk_1', 'VALID', 1, atMs);
    await expect(recorder.flush()).rejects.toThrow('away');
    mark('flk_1', 'VALID', 1, atMs);
    await expect(recorder.flush()).rejects.toThrow('away');
    await recorder.flush();
    await recorder.flush();
    expect(new Set(sent.slice(0, 3).map(({ id }) => id)).size).toBe(1);
    expect(sent.slice(0, 3).map(({ marks }) => marks[0]?.calls)).toEqual([1, 1, 1]);
    expect(arrived.map(({ marks }) => marks[0]?.calls)).toEqual([1, 1]);
    expect(new Set(arrived.map(({ id }) => id)).size).toBe(2);
  });

  test('takes no mark that came while it was under way, and loses none', async () => {
    const { deliver, arrived, callsArrived } = recipient();
    const { recorder, mark } = newRecorder(deliver);
    mark('flk_1', 'VALID', 1, atMs);
    const first = recorder.flush();
    mark('flk_1', 'VALID', 1, atMs);
    await Promise.all([first, recorder.flush()]);
    expect(arrived.map(({ marks }) => marks[0]?.calls)).toEqual([1]);
    await recorder.flush();
    expect(callsArrived()).toBe(2);
  });

  test('handOver waits until all that was marked before it has arrived, whatever is under way', async () => {
    const { deliver, callsArrived, state } = recipient();
    const { recorder, mark } = newRecorder(deliver);
    mark('flk_1', 'VALID', 1, atMs);
    const underWay = recorder.flush();
    mark('flk_1', 'VALID', 1, atMs);
    await recorder.handOver();
    expect(callsArrived()).toBe(2);
    await underWay;
    await recorder.handOver();
    mark('flk_1', 'VALID', 1, atMs);
    state.refusals = 1;
    await expect(recorder.handOver()).rejects.toThrow('away');
    mark('flk_1', 'VALID', 1, atMs);
    await recorder.handOver();
    expect(callsArrived()).toBe(4);
  });

  test('of many marks goes out in parts of ten thousand, each under an id of its own', async () => {
    const { deliver, sent, callsArrived, state } = recipient();
    const { recorder, mark } = newRecorder(deliver);
    for (let line = 0; line < 25_000; line++) mark(`flk_${line}`, 'VALID', 1, atMs);
    state.refusals = 1;
    await expect(recorder.flush()).rejects.toThrow('away');
    mark('flk_0', 'VALID', 1, atMs);
    await recorder.flush();
    expect(sent.map(({ marks }) => marks.length)).toEqual([10_000, 10_000, 10_000, 5_000]);
    expect(sent[1]?.id).toBe(sent[0]?.id);
    expect(new Set(sent.map(({ id }) => id)).size).toBe(3);
    await recorder.flush();
    expect(callsArrived()).toBe(25_001);
  });

  test('comes by itself, and goes on after one that failed', async () => {
    const { deliver, state, callsArrived } = recipient();
    const { recorder, mark, faults } = newRecorder(deliver);
    state.refusals = 1;
    recorder.start();
    mark('flk_1', 'VALID', 1, atMs);
    await eventually(5_000, callsArrived, (calls) => calls === 1);
    expect(faults).toHaveLength(1);
    await recorder.close();
  });
});

describe('a close', () => {
  test('hands over what is still in memory, and what has failed before', async () => {
    const { deliver, state, callsArrived } = recipient();
    const { recorder, mark } = newRecorder(deliver);
    state.refusals = 1;
    mark('flk_1', 'VALID', 1, atMs);
    await expect(recorder.flush()).rejects.toThrow('away');
    mark('flk_1', 'VALID', 1, atMs);
    await recorder.close();
    expect(callsArrived()).toBe(2);
  });

  test('waits for the flush that is under way and hands over what came after it', async () => {
    const { deliver, callsArrived } = recipient();
    const { recorder, mark } = newRecorder(deliver);
    mark('flk_1', 'VALID', 1, atMs);
    void recorder.flush();
    mark('flk_1', 'VALID', 1, atMs);
    await recorder.close();
    expect(callsArrived()).toBe(2);
  });

  test('repeats a flush that fails under it, and still hands over the rest', async () => {
    const { deliver, state, callsArrived } = recipient();
    const { recorder, mark } = newRecorder(deliver);
    state.refusals = 1;
    mark('flk_1', 'VALID', 1, atMs);
    recorder.flush().catch(() => undefined);
    mark('flk_1', 'VALID', 1, atMs);
    await recorder.close();
    expect(callsArrived()).toBe(2);
  });

  test('says so when the rest cannot be handed over', async () => {
    const { deliver, state } = recipient();
    const { recorder, mark } = newRecorder(deliver);
    state.refusals = 10;
    mark('flk_1', 'VALID', 1, atMs);
    await expect(recorder.close()).rejects.toThrow('away');
  });
});

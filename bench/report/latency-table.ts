import type { LoadResult } from '../load/jobs.ts';
import type { Runs } from '../scenarios/interleave.ts';
import { inWords } from './statistics.ts';
import type { Table } from './table.ts';
import { wrongAnswers } from './wrong-answers.ts';

const figures: Record<string, (result: LoadResult) => number> = {
  'p50 ms': (result) => result.p50Ms,
  'p99 ms': (result) => result.p99Ms,
  'p99.9 ms': (result) => result.p999Ms,
};

/** Latencies of each variant. p99.9 only where a round has thousands of answers. */
export function latencyTable(options: {
  title: string;
  runs: Runs;
  columns: ReadonlyArray<keyof typeof figures>;
  /** Variant that p99 is compared with, within the same round. */
  reference?: string;
  notes: readonly string[];
}): Table {
  const { title, runs, columns, reference = '', notes } = options;
  const compared = runs.get(reference);
  const row = (name: string, results: readonly LoadResult[]) => [
    name,
    ...columns.map((column) => inWords(results.map(figures[column] ?? (() => Number.NaN)), 2)),
    ...(compared === undefined ? [] : [inWords(results.map(ratioTo(compared)), 1)]),
    inWords(results.map((result) => result.perSecond)),
  ];
  return {
    title,
    columns: ['', ...columns, ...(compared === undefined ? [] : [`p99 ÷ ${reference}`]), 'per second'],
    rows: [...runs].map(([name, results]) => row(name, results)),
    notes: [...notes, ...wrongAnswers(runs)],
  };
}

function ratioTo(compared: readonly LoadResult[]) {
  return ({ p99Ms }: LoadResult, round: number) => p99Ms / (compared[round]?.p99Ms ?? Number.NaN);
}

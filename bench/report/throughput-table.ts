import type { LoadResult } from '../load/jobs.ts';
import type { Runs } from '../scenarios/interleave.ts';
import { inWords, number, spreadOf } from './statistics.ts';
import type { Table } from './table.ts';
import { wrongAnswers } from './wrong-answers.ts';

/**
 * One row per variant: throughput, its ratio to the reference within the same round, latencies, and
 * CPU time of the server.
 */
export function throughputTable(options: {
  title: string;
  runs: Runs;
  /** Reference variant of the ratios. */
  reference: string;
  /** Variant ÷ reference, or reference ÷ variant when the reference is our own product. */
  ratio?: 'arm ÷ reference' | 'reference ÷ arm';
  notes: readonly string[];
}): Table {
  const { title, runs, reference, ratio = 'arm ÷ reference', notes } = options;
  const isInverse = ratio === 'reference ÷ arm';
  return {
    title,
    columns: [
      '',
      'per second',
      isInverse ? `${reference} ÷ it` : `÷ ${reference}`,
      'p50 ms',
      'p99 ms',
      'p99.9 ms',
      'server µs each',
      'load core busy',
    ],
    rows: [...runs].map(([name, results]) => row(name, results, runs.get(reference) ?? [], isInverse)),
    notes: [...notes, ...wrongAnswers(runs)],
  };
}

function row(
  name: string,
  results: readonly LoadResult[],
  reference: readonly LoadResult[],
  isInverse: boolean,
): string[] {
  const median = (digits: number, pick: (result: LoadResult) => number) =>
    number(spreadOf(results.map(pick)).median, digits);
  const ratio = ({ perSecond }: LoadResult, round: number) =>
    (perSecond / (reference[round]?.perSecond ?? Number.NaN)) ** (isInverse ? -1 : 1);
  return [
    name,
    inWords(results.map((result) => result.perSecond)),
    inWords(results.map(ratio), 2),
    median(2, (result) => result.p50Ms),
    median(2, (result) => result.p99Ms),
    median(2, (result) => result.p999Ms),
    median(1, (result) => result.serverMicros),
    `${median(0, (result) => result.loadBusy * 100)} %`,
  ];
}

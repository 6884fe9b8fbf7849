import { verificationEndpoints } from '../../src/domain/verification.ts';
import { VerificationMeter } from '../../src/verify/verification-meter.ts';
import type { LoadResult } from '../load/jobs.ts';
import { inWords, number, spreadOf } from '../report/statistics.ts';
import type { Table } from '../report/table.ts';
import { throughputTable } from '../report/throughput-table.ts';
import { fillRedis } from '../stage/fill-redis.ts';
import { interleave, type Runs } from './interleave.ts';
import { askEvenly, askOnce } from './key-load.ts';
import { connections, type Pace, type Scenario } from './scenario.ts';

const doors = [
  { door: 'verify', title: 'JSON verify' },
  { door: 'authorize', title: 'Forward auth' },
] as const;

const without = 'without metrics';
const withThem = 'with metrics';

/** A few hundredths are less than one round differs from the next. */
const roundsTimes = 4;

export const metrics: Scenario = {
  name: 'metrics',
  about: 'what counting and timing each verification costs: the API with and without',
  async run(stage, pace) {
    await stage.seedKeys(pace.keys, 'metrics');
    const metered = await stage.startApi('api');
    const unmetered = await stage.startUnmeteredApi('api-without-metrics');
    await stage.startWorker();
    await fillRedis(stage.sql, stage.redisUrl, stage.keyring);
    for (const server of [metered, unmetered]) await askOnce(server, stage, pace);
    const tables: Table[] = [];
    let micros = Number.NaN;
    for (const { door, title } of doors) {
      const measure = (server: typeof metered) => () => askEvenly(server, stage, pace, { door, polls: true });
      const arms = [
        { name: without, measure: measure(unmetered) },
        { name: withThem, measure: measure(metered) },
      ];
      const runs = await interleave(stage.otherWork, arms, pace.rounds * roundsTimes);
      micros = Math.min(micros || Infinity, microsOf(runs));
      tables.push(throughputTable({ title, runs, reference: without, notes: notesOf(runs, pace) }));
    }
    await stage.ledger.requireCounted();
    return [...tables, meterTable(micros)];
  },
};

function notesOf(runs: Runs, pace: Pace): string[] {
  const ratios = (runs.get(withThem) ?? []).map(
    (result, round) => result.serverMicros / (runs.get(without)?.[round]?.serverMicros ?? Number.NaN),
  );
  return [
    `${connections} keep-alive connections, ${number(pace.keys)} keys drawn evenly, ${pace.rounds * roundsTimes} rounds of ${pace.windowMs / 1_000} s. Processor time of the server for each request, with ÷ without: ${inWords(ratios, 3)}.`,
  ];
}

function microsOf(runs: Runs): number {
  return spreadOf((runs.get(without) ?? []).map((result: LoadResult) => result.serverMicros)).median;
}

const meterCalls = 5_000_000;

/** The meter by itself, which no other work on the machine can hide. */
function meterTable(requestMicros: number): Table {
  const meter = new VerificationMeter(verificationEndpoints);
  const nanos = Array.from({ length: 6 }, () => nanosEach(meter)).slice(1);
  const shares = nanos.map((each) => (each / 1_000 / requestMicros) * 100);
  return {
    title: 'The meter alone (startMs and end)',
    columns: ['', 'ns each', '% of the cheaper request'],
    rows: [['counted and timed', inWords(nanos, 1), inWords(shares, 2)]],
    notes: [`${number(meterCalls)} calls in a loop, 5 times; processor time.`],
  };
}

function nanosEach(meter: VerificationMeter<(typeof verificationEndpoints)[number]>): number {
  const before = process.cpuUsage();
  for (let call = 0; call < meterCalls; call++) {
    meter.end(call % 2 === 0 ? 'authz' : 'verify', call % 8 === 0 ? 'REVOKED' : 'VALID', meter.startMs());
  }
  const { user, system } = process.cpuUsage(before);
  return ((user + system) / meterCalls) * 1_000;
}

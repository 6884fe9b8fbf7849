import { projectRoot } from '../../scripts/services/project-root.ts';
import type { EmbedJob, EmbedResult } from '../load/jobs.ts';
import { inWords, number } from '../report/statistics.ts';
import type { Table } from '../report/table.ts';
import { loadCore } from '../stage/pin.ts';
import type { Stage } from '../stage/stage.ts';
import { interleave, type Runs } from './interleave.ts';
import type { Pace, Scenario } from './scenario.ts';

const ours = 'this checkout';
const before = 'the checkout before';

export const embedded: Scenario = {
  name: 'embedded',
  about:
    "decisions of the SDK's embedded verifier in one process, counted and under a lease; with --before beside that of another checkout",
  async run(stage, pace) {
    await stage.seedKeys(pace.keys, 'embedded');
    const broker = await stage.startApi('api', {}, loadCore);
    await stage.startWorker();
    const checkouts = [{ name: ours, checkout: projectRoot }];
    if (pace.before !== undefined) checkouts.unshift({ name: before, checkout: pace.before });
    const rounds = 2 * pace.rounds;
    const arms = await Promise.all(checkouts.map((one) => armOf(stage, pace, broker.port, rounds, one)));
    const runs = await interleave(stage.otherWork, arms, rounds);
    return [tableOf(runs, pace, await stage.ledger.requireCounted())];
  },
};

/** Each in a process of its own, which keeps its memory from round to round. */
async function armOf(
  { masterKey, keysFile, ledger, startLoadOnServerCore }: Stage,
  { keys, windowMs }: Pace,
  brokerPort: number,
  rounds: number,
  { name, checkout }: { name: string; checkout: string },
) {
  const load = await startLoadOnServerCore();
  const brokerUrl = `http://127.0.0.1:${brokerPort}`;
  const job: EmbedJob = {
    kind: 'embed',
    checkout,
    brokerUrl,
    masterKey,
    keysFile,
    count: keys,
    windowMs,
    isLast: false,
  };
  let round = 0;
  const measure = async (): Promise<EmbedResult> => {
    const result = await load.embed({ ...job, isLast: round++ === rounds });
    ledger.add(result.verified);
    return result;
  };
  return { name, measure };
}

function tableOf(runs: Runs<EmbedResult>, pace: Pace, counted: string): Table {
  const reference = runs.get(before);
  return {
    title: 'Embedded verifier (verifyNow)',
    columns: ['', 'decisions per second', 'CPU µs each', ...(reference ? [`÷ ${before}, CPU`] : [])],
    rows: [...runs].map(([name, results]) => [
      name,
      inWords(results.map(({ perSecond }) => perSecond)),
      inWords(
        results.map(({ micros }) => micros),
        2,
      ),
      ...(reference
        ? [
            inWords(
              results.map(({ micros }, round) => (reference[round]?.micros ?? Number.NaN) / micros),
              2,
            ),
          ]
        : []),
    ]),
    notes: [
      `${number(pace.keys)} keys drawn evenly, each call with a new string; ${2 * pace.rounds} rounds of ${pace.windowMs / 1_000} s, each verifier in a process of its own, its heartbeats and reports included; the broker runs on the other core. ${counted}`,
    ],
  };
}

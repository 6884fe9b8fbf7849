import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { allScenarios } from './scenarios/all-scenarios.ts';
import type { Pace, Scenario } from './scenarios/scenario.ts';
import { isControl } from './scenarios/webhook-faults.ts';

export const usage = `Measures the broker beside what is bare, on a Postgres and a Redis of its own. Prints Markdown.

  npm run bench [-- [name…] [--quick] [--keys <number>] [--before <directory>]
    [--many <number>] [--seconds <number>] [--control position|order]]

  --quick           fewer and shorter rounds: a look, not a figure
  --keys <number>   keys that verifications draw from (default 100000; memory holds 200000)
  --before <directory>
                    another checkout with its node_modules, for embedded
  --many <number>   keys where there are very many (default 1000000)
  --seconds <number>
                    duration of webhook-faults (default 600)
  --control position|order
                    webhook-faults with changed source, which advances the position of a
                    webhook before its delivery, or sends a page backwards: it must exit
                    with 1
  --help

${allScenarios.map(({ name, about }) => `  ${name.padEnd(16)}  ${about}`).join('\n')}
`;

const full = {
  rounds: 10,
  windowMs: 1_000,
  revokes: 200,
  racedRevokes: 10_000,
  manyKeys: 1_000_000,
  sustainedMs: 60_000,
  faultsMs: 600_000,
};
const quick = {
  rounds: 2,
  windowMs: 600,
  revokes: 50,
  racedRevokes: 300,
  manyKeys: 300_000,
  sustainedMs: 10_000,
  faultsMs: 90_000,
};

export type BenchOptions = { scenarios: readonly Scenario[]; pace: Pace };

/** Parses the arguments; throws an error with one sentence for invalid ones. */
export function readOptions(args: readonly string[]): BenchOptions | 'help' {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      keys: { type: 'string', default: '100000' },
      before: { type: 'string' },
      many: { type: 'string' },
      seconds: { type: 'string' },
      control: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  if (!/^[1-9]\d{1,6}$/.test(values.keys)) throw new Error('--keys must be a number from 10 to 9999999');
  if (!/^[1-9]\d{4,8}$/.test(values.many ?? '10000'))
    throw new Error('--many must be a number from 10000 to 999999999');
  if (!/^[1-9]\d{1,4}$/.test(values.seconds ?? '10'))
    throw new Error('--seconds must be a number from 10 to 99999');
  if (!isControl(values.control ?? 'order')) throw new Error('--control must be position or order');
  return {
    scenarios: positionals.length === 0 ? allScenarios : positionals.map(scenarioOf),
    pace: {
      ...(values.quick ? quick : full),
      keys: Number(values.keys),
      before: values.before && resolve(values.before),
      ...(values.many !== undefined && { manyKeys: Number(values.many) }),
      ...(values.seconds !== undefined && { faultsMs: 1_000 * Number(values.seconds) }),
      control: values.control,
    },
  };
}

function scenarioOf(name: string): Scenario {
  const scenario = allScenarios.find((candidate) => candidate.name === name);
  if (scenario === undefined) throw new Error(`There is no benchmark ${name}`);
  return scenario;
}

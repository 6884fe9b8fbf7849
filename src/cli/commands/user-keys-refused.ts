import type { Command } from 'commander';
import type { Check, Explanation, KeyRefusal } from '../../sdk/api-types.ts';
import { act, type Cli } from '../cli.ts';
import { examples } from '../examples.ts';
import { UsageError } from '../failure.ts';
import type { Column } from '../output/table.ts';
import { toSeconds } from '../output/time.ts';
import { list, time } from '../values.ts';

/** Commands that say why a key is refused. */
export function addRefused(keys: Command): void {
  addExplain(keys);
  addRefusals(keys);
}

type Demands = { scopes?: string[]; org?: string; environment?: string; ip?: string; at?: string };

const checkColumns: readonly Column<Check>[] = [
  ['CHECK', ({ check }) => check],
  ['RESULT', ({ result }) => result.replace('_', ' ')],
  ['ASKED', ({ asked }) => text(asked)],
  ['HAS', ({ has }) => text(has)],
];

function addExplain(keys: Command): void {
  const command = keys
    .command('explain <key_id>')
    .description('Shows every check of a verification. It spends and counts nothing. 1 if refused.')
    .option('--scopes <scopes>', 'that must be held; separated by commas', list)
    .option('--org <organization_id>', 'to which it must belong')
    .option('--environment <name>', 'in which it must be')
    .option('--ip <address>', "the end client's")
    .option(
      '--at <time>',
      'moment to decide for, now unless set; a day stands for its beginning, in UTC',
      time,
    )
    .action(
      act(async (cli, { scopes, org, environment, ip, at }: Demands, keyId: string) => {
        const demands = { scopes, organization_id: org, environment, ip, at };
        const explanation = await (await cli.keys()).explain(keyId, demands);
        printExplanation(cli, explanation);
        if (!explanation.valid) process.exitCode = 1;
      }),
    );
  examples(command, 'flowplate keys explain flk_x1y2z3w4 --scopes read --ip 192.0.2.7');
}

function printExplanation(cli: Cli, explanation: Explanation): void {
  if (!cli.options.json) cli.printTable(explanation.checks, checkColumns);
  cli.say(explanation, `${explanation.valid ? 'Accepted' : 'Refused'}: ${explanation.code}`);
}

/** Text of a value: empty for null, words for a list of words, else JSON. */
function text(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? value.join(',') : JSON.stringify(value);
}

const refusalColumns: readonly Column<KeyRefusal>[] = [
  ['TIME', ({ at }) => toSeconds(at)],
  ['CODE', ({ code }) => code],
  ['ENDPOINT', ({ endpoint }) => endpoint],
  ['REQUEST', ({ request_id }) => request_id],
  ['GATEWAY', ({ master_key_id }) => master_key_id],
  ['ADDRESS', ({ ip }) => ip ?? ''],
];

function addRefusals(keys: Command): void {
  const command = keys
    .command('refusals [key_id]')
    .description('Shows the last refusals of a key, or of one request; kept for seven days.')
    .option('--request-id <id>', 'instead of a key: the trace id that an end client was told; for operators')
    .action(
      act(async (cli, { requestId }: { requestId?: string }, keyId?: string) => {
        if ((requestId === undefined) === (keyId === undefined)) {
          throw new UsageError('name a key or --request-id, and not both');
        }
        if (requestId !== undefined) return printRefusalsOf(cli, requestId);
        const refusals = await (await cli.keys()).refusals(keyId ?? '');
        if (cli.options.json) cli.printJson(refusals);
        else cli.printTable(refusals, refusalColumns);
      }),
    );
  examples(
    command,
    'flowplate keys refusals flk_x1y2z3w4',
    'flowplate keys refusals --request-id req_5fXq2v9sT1aB00000042',
  );
}

async function printRefusalsOf(cli: Cli, requestId: string): Promise<void> {
  const found = await (await cli.operator('platform')).hiddenKeys.findRefusals(requestId);
  if (cli.options.json) cli.printJson(found);
  else cli.printTable(found, [['KEY', ({ key_id }) => key_id], ...refusalColumns]);
}

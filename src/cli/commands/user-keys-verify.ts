import type { Command } from 'commander';
import type { Verdict } from '../../sdk/api-types.ts';
import { numberRanges } from '../../sdk/input-rules.ts';
import { askSecret } from '../ask-secret.ts';
import { act } from '../cli.ts';
import { examples } from '../examples.ts';
import { list, wholeNumber } from '../values.ts';

type Options = {
  scopes?: string[];
  org?: string;
  environment?: string;
  ip?: string;
  cost?: number;
  keyStdin?: true;
};

/** Prompts for the key: on the command line it would be in the shell's history. */
export function addVerify(keys: Command): void {
  const command = keys
    .command('verify')
    .description(
      'Prompts for a key and shows its verdict. It counts as a call, and spends limits. Exit code 1 if refused.',
    )
    .option('--scopes <scopes>', 'that must be held; separated by commas', list)
    .option('--org <organization_id>', 'to which it must belong')
    .option('--environment <name>', 'in which it must be')
    .option('--ip <address>', "the end client's")
    .option('--cost <number>', 'what it spends of limits and quota', wholeNumber(numberRanges.cost))
    .option('--key-stdin', 'read it from stdin instead of asking')
    .action(
      act(async (cli, { scopes, org, environment, ip, cost, keyStdin }: Options) => {
        const client = cli.masterKey();
        const key = await askSecret({ label: 'Key', fromStdin: keyStdin, option: '--key-stdin' });
        const verdict = await client.verify({ key, scopes, organization_id: org, environment, ip, cost });
        cli.say(verdict, sentence(verdict));
        if (!verdict.valid) process.exitCode = 1;
      }),
    );
  examples(command, 'flowplate keys verify', 'flowplate keys verify --scopes read --key-stdin < key.txt');
}

function sentence(verdict: Verdict): string {
  if (!verdict.valid) return `Refused: ${verdict.code}`;
  const { code, key_id, user_id, organization_id } = verdict;
  return `${code}: ${key_id} (user: ${user_id}, organization: ${organization_id})`;
}

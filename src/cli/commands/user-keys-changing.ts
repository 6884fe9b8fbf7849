import { type Command, InvalidArgumentError } from 'commander';
import type { KeyChanges, Metadata, Quota, RateLimit, UpdatedKey } from '../../sdk/api-types.ts';
import { act, type Cli } from '../cli.ts';
import { examples } from '../examples.ts';
import { UsageError } from '../failure.ts';
import { propagationText } from '../output/propagation-text.ts';
import { jsonObject, list, quota, rateLimit, time } from '../values.ts';

type Options = {
  name?: string;
  scopes?: string[];
  metadata?: Metadata;
  expiresAt?: string;
  rateLimit?: RateLimit;
  quota?: Quota;
  ips?: string[];
  clear?: Clearable[];
};

const clearable = ['name', 'expires_at', 'rate_limit', 'quota', 'ip_allowlist'] as const;
type Clearable = (typeof clearable)[number];

export function addUpdate(keys: Command): void {
  const command = keys
    .command('update <key_id>')
    .description('Changes what is named. Its secret stays.')
    .option('--name <name>', 'what it is called')
    .option('--scopes <scopes>', 'separated by commas; "" for none', list)
    .option('--metadata <json>', 'a JSON object, in place of the old one', jsonObject)
    .option('--expires-at <time>', 'when it ends; a day at its end, in UTC', time)
    .option('--rate-limit <limit/seconds>', 'such as 100/60', rateLimit)
    .option('--quota <limit/period>', 'such as 10000/day, or /month', quota)
    .option('--ips <ranges>', 'only from these addresses or CIDR ranges; separated by commas', list)
    .option('--clear <settings>', `takes away: ${clearable.join(', ')}; separated by commas`, toClear)
    .action(act((cli, options: Options, keyId: string) => change(cli, keyId, toChanges(options), 'Updated')));
  examples(
    command,
    'flowplate keys update flk_x1y2z3w4 --rate-limit 100/60 --scopes read,write',
    'flowplate keys update flk_x1y2z3w4 --clear expires_at,quota',
  );
}

export function addDisable(keys: Command): void {
  const command = keys
    .command('disable <key_id>')
    .description('Refuses a key at once, until it is enabled again.')
    .action(act((cli, _, keyId: string) => change(cli, keyId, { enabled: false }, 'Disabled')));
  examples(command, 'flowplate keys disable flk_x1y2z3w4');
}

export function addEnable(keys: Command): void {
  const command = keys
    .command('enable <key_id>')
    .description('Accepts a disabled key again.')
    .action(act((cli, _, keyId: string) => change(cli, keyId, { enabled: true }, 'Enabled')));
  examples(command, 'flowplate keys enable flk_x1y2z3w4');
}

async function change(cli: Cli, keyId: string, changes: KeyChanges, verb: string): Promise<void> {
  const updated = await cli.masterKey().update(keyId, changes);
  cli.say(updated, sentence(verb, updated));
}

function sentence(verb: string, updated: UpdatedKey): string {
  const { key_id, user_id, organization_id } = updated;
  const owner = `user: ${user_id}, organization: ${organization_id}`;
  return `${verb} key: ${key_id} (${owner}, ${propagationText(updated)})`;
}

function toClear(text: string): Clearable[] {
  const names = list(text) as Clearable[];
  if (names.every((name) => clearable.includes(name))) return names;
  throw new InvalidArgumentError(`It must be of ${clearable.join(', ')}.`);
}

function toChanges({ clear = [], ...options }: Options): KeyChanges {
  const { name, scopes, metadata, expiresAt, ips } = options;
  const named = {
    ...{ name, scopes, metadata, expires_at: expiresAt, ip_allowlist: ips },
    ...{ rate_limit: options.rateLimit, quota: options.quota },
  };
  const twice = clear.find((setting) => named[setting] !== undefined);
  if (twice !== undefined) throw new UsageError(`${twice} can be set or taken away, but not both`);
  const changes = { ...named, ...Object.fromEntries(clear.map((setting) => [setting, null])) };
  if (Object.values(changes).every((value) => value === undefined)) {
    throw new UsageError('name what to change, such as --rate-limit 100/60 or --clear expires_at');
  }
  return changes;
}

import type { Command } from 'commander';
import type { Metadata, MintedKey, Quota, RateLimit } from '../../sdk/api-types.ts';
import { numberRanges } from '../../sdk/input-rules.ts';
import { act } from '../cli.ts';
import { examples } from '../examples.ts';
import { saveThis } from '../output/save-this.ts';
import { toSeconds } from '../output/time.ts';
import { jsonObject, list, quota, rateLimit, time, wholeNumber } from '../values.ts';

export type OwnerOptions = { user: string; org: string; environment?: string };

type MintOptions = OwnerOptions & {
  name?: string;
  scopes?: string[];
  metadata?: Metadata;
  expiresAt?: string;
  ttlSeconds?: number;
  rateLimit?: RateLimit;
  quota?: Quota;
  ips?: string[];
};

type RefreshOptions = OwnerOptions & {
  gracePeriodSeconds?: number;
  expiresAt?: string;
  ttlSeconds?: number;
};

export function addMint(keys: Command): void {
  const command = ownerOptions(keys.command('mint'))
    .description('Mints the one active key of a user in an organization, and shows its secret this once.')
    .option('--name <name>', 'what it is called')
    .option('--scopes <scopes>', 'separated by commas', list)
    .option('--metadata <json>', 'a JSON object', jsonObject)
    .option('--expires-at <time>', 'when it ends; a day at its end, in UTC', time)
    .option('--ttl-seconds <number>', 'after how long it ends, instead', wholeNumber(numberRanges.ttlSeconds))
    .option('--rate-limit <limit/seconds>', 'such as 100/60', rateLimit)
    .option('--quota <limit/period>', 'such as 10000/day, or /month', quota)
    .option('--ips <ranges>', 'only from these addresses or CIDR ranges; separated by commas', list)
    .action(
      act(async (cli, options: MintOptions) => {
        const { name, scopes, metadata, expiresAt, ttlSeconds, ips } = options;
        const minted = await cli.masterKey().mint({
          ...toOwner(options),
          ...{ name, scopes, metadata, expires_at: expiresAt, ttl_seconds: ttlSeconds },
          ...{ rate_limit: options.rateLimit, quota: options.quota, ip_allowlist: ips },
        });
        const owner = `user: ${minted.user_id}, organization: ${minted.organization_id}`;
        const sentence = `Minted key: ${minted.key_id} (${owner})`;
        cli.say(minted, sentence, `Key: ${minted.key}`, saveThis);
        // --json has it in the answer.
        if (!cli.options.json) cli.note(...createdText(minted, options));
      }),
    );
  examples(
    command,
    'flowplate keys mint --user usr_42 --org org_acme',
    'flowplate keys mint --user usr_42 --org org_acme --scopes read,write --rate-limit 100/60 --ttl-seconds 86400',
  );
}

/** A typo in a name would make another one without a word. */
function createdText({ created = [], organization_id }: MintedKey, { environment }: OwnerOptions): string[] {
  return created.map((home) =>
    home === 'organization'
      ? `The organization ${organization_id} did not exist, and was created`
      : `The environment ${environment ?? 'of this server'} did not exist there, and was created`,
  );
}

export function addRefresh(keys: Command): void {
  const command = ownerOptions(keys.command('refresh'))
    .description("Replaces a user's key. The old one is refused at once, or after the grace.")
    .option(
      '--grace-period-seconds <number>',
      'how long the old one goes on',
      wholeNumber(numberRanges.gracePeriodSeconds),
    )
    .option(
      '--expires-at <time>',
      'when the new one ends, also for a key that expired in the last 30 days; a day at its end, in UTC',
      time,
    )
    .option('--ttl-seconds <number>', 'after how long it ends, instead', wholeNumber(numberRanges.ttlSeconds))
    .action(
      act(async (cli, options: RefreshOptions) => {
        const { gracePeriodSeconds, expiresAt, ttlSeconds } = options;
        const end = { expires_at: expiresAt, ttl_seconds: ttlSeconds };
        const request = { grace_period_seconds: gracePeriodSeconds, ...end };
        const refreshed = await cli.masterKey().refresh(toOwner(options), request);
        const { key_id, key, user_id, organization_id, expires_at } = refreshed.new_key;
        const owner = `user: ${user_id}, organization: ${organization_id}`;
        const expiry = expires_at === undefined ? [] : [`Expires: ${toSeconds(expires_at)}`];
        cli.say(refreshed, `Refreshed key: ${key_id} (${owner})`, `New key: ${key}`, ...expiry, saveThis);
      }),
    );
  examples(
    command,
    'flowplate keys refresh --user usr_42 --org org_acme --grace-period-seconds 600',
    'flowplate keys refresh --user usr_42 --org org_acme --ttl-seconds 2592000',
  );
}

function ownerOptions(command: Command): Command {
  return command
    .requiredOption('--user <user_id>', 'whose')
    .requiredOption('--org <organization_id>', 'in which organization')
    .option('--environment <name>', "the server's own unless named");
}

export function toOwner({ user, org, environment }: OwnerOptions) {
  return { user_id: user, organization_id: org, environment };
}

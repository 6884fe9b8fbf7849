import type { Command } from 'commander';
import type { Metadata, MintedKey, Quota, RateLimit } from '../../sdk/api-types.ts';
import { numberRanges } from '../../sdk/input-rules.ts';
import { act } from '../cli.ts';
import { examples } from '../examples.ts';
import { UsageError } from '../failure.ts';
import { saveThis } from '../output/save-this.ts';
import { toSeconds } from '../output/time.ts';
import { jsonObject, list, quota, rateLimit, time, wholeNumber } from '../values.ts';
import { type FromFileOptions, mintFromFile } from './user-keys-from-file.ts';

export type OwnerOptions = { user: string; org: string; environment?: string };

type MintOptions = Partial<FromFileOptions> & OneMintOptions;

type OneMintOptions = Partial<OwnerOptions> & {
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
  onFirstUse?: true;
  expiresAt?: string;
  ttlSeconds?: number;
};

export function addMint(keys: Command): void {
  const command = keys
    .command('mint')
    .description('Mints the one active key of a user in an organization, and shows its secret this once.')
    .option('--user <user_id>', 'whose')
    .option('--org <organization_id>', 'in which organization')
    .option('--environment <name>', "the server's own unless named")
    .option('--name <name>', 'what it is called')
    .option('--scopes <scopes>', 'separated by commas', list)
    .option('--metadata <json>', 'a JSON object', jsonObject)
    .option('--expires-at <time>', 'when it ends; a day at its end, in UTC', time)
    .option('--ttl-seconds <number>', 'after how long it ends, instead', wholeNumber(numberRanges.ttlSeconds))
    .option('--rate-limit <limit/seconds>', 'such as 100/60', rateLimit)
    .option('--quota <limit/period>', 'such as 10000/day, or /month', quota)
    .option('--ips <ranges>', 'only from these addresses or CIDR ranges; separated by commas', list)
    .option(
      '--from-file <file>',
      'many keys instead: a file with the JSON of one mint a line; - for standard input',
    )
    .option(
      '--to-file <file>',
      'where their secrets go, a new file that only you can read; else to the output',
    )
    .option(
      '--idempotency-key <text>',
      'of an earlier run that was interrupted: it gives the same secrets again',
    )
    .action(
      act(async (cli, options: MintOptions) => {
        const { fromFile } = options;
        if (fromFile !== undefined) {
          const areAllMinted = await mintFromFile(cli, { ...manyOf(options), fromFile });
          if (!areAllMinted) process.exitCode = 1;
          return;
        }
        const owner = ownerOf(options);
        const { name, scopes, metadata, expiresAt, ttlSeconds, ips } = options;
        const minted = await cli.masterKey().mint({
          ...owner,
          ...{ name, scopes, metadata, expires_at: expiresAt, ttl_seconds: ttlSeconds },
          ...{ rate_limit: options.rateLimit, quota: options.quota, ip_allowlist: ips },
        });
        const whose = `user: ${minted.user_id}, organization: ${minted.organization_id}`;
        const sentence = `Minted key: ${minted.key_id} (${whose})`;
        cli.say(minted, sentence, `Key: ${minted.key}`, saveThis);
        // --json has it in the answer.
        if (!cli.options.json) cli.note(...createdText(minted, options));
      }),
    );
  examples(
    command,
    'flowplate keys mint --user usr_42 --org org_acme',
    'flowplate keys mint --user usr_42 --org org_acme --scopes read,write --rate-limit 100/60 --ttl-seconds 86400',
    'flowplate keys mint --from-file users.ndjson --to-file keys.ndjson',
  );
}

/** The options of a single mint say nothing about many, and are refused beside a file. */
function manyOf({
  fromFile: _,
  toFile,
  idempotencyKey,
  ...others
}: MintOptions): Omit<FromFileOptions, 'fromFile'> {
  const [other] = Object.keys(others);
  if (other !== undefined)
    throw new UsageError(`--from-file takes no --${kebabCase(other)}: each line has its own`);
  return { ...(toFile !== undefined && { toFile }), ...(idempotencyKey !== undefined && { idempotencyKey }) };
}

function kebabCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function ownerOf({ user, org, environment, toFile, idempotencyKey }: MintOptions) {
  if (toFile !== undefined || idempotencyKey !== undefined) {
    throw new UsageError('--to-file and --idempotency-key belong to --from-file');
  }
  if (user === undefined || org === undefined) {
    throw new UsageError(
      `required option '${user === undefined ? '--user <user_id>' : '--org <organization_id>'}' not specified`,
    );
  }
  return toOwner({ user, org, ...(environment !== undefined && { environment }) });
}

/** A typo in a name would make another one without a word. */
function createdText(
  { created = [], organization_id }: MintedKey,
  { environment }: OneMintOptions,
): string[] {
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
      '--on-first-use',
      'the old one works on until the new one is first accepted, for 30 days at most; then its grace begins (3600 seconds unless set, at least 120)',
    )
    .option(
      '--expires-at <time>',
      'when the new one ends, also for a key that expired in the last 30 days; a day at its end, in UTC',
      time,
    )
    .option('--ttl-seconds <number>', 'after how long it ends, instead', wholeNumber(numberRanges.ttlSeconds))
    .action(
      act(async (cli, options: RefreshOptions) => {
        const { gracePeriodSeconds, onFirstUse, expiresAt, ttlSeconds } = options;
        const end = { expires_at: expiresAt, ttl_seconds: ttlSeconds };
        const request = {
          grace_period_seconds: gracePeriodSeconds,
          ...(onFirstUse && { activate: 'on_first_use' as const }),
          ...end,
        };
        const refreshed = await cli.masterKey().refresh(toOwner(options), request);
        const { key_id, key, user_id, organization_id, expires_at } = refreshed.new_key;
        const owner = `user: ${user_id}, organization: ${organization_id}`;
        const expiry = expires_at === undefined ? [] : [`Expires: ${toSeconds(expires_at)}`];
        const wait = refreshed.waiting;
        const waits =
          wait === undefined
            ? []
            : [`Waits for its first use. The old key ends ${toSeconds(wait.previous_until)} at the latest`];
        const lines = [
          `Refreshed key: ${key_id} (${owner})`,
          `New key: ${key}`,
          ...waits,
          ...expiry,
          saveThis,
        ];
        cli.say(refreshed, ...lines);
      }),
    );
  examples(
    command,
    'flowplate keys refresh --user usr_42 --org org_acme --grace-period-seconds 600',
    'flowplate keys refresh --user usr_42 --org org_acme --on-first-use --grace-period-seconds 86400',
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

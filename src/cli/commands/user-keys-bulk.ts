import { setTimeout as sleep } from 'node:timers/promises';
import { Argument, type Command } from 'commander';
import type { BulkOrder, BulkOrdered, BulkPreview, Job } from '../../sdk/api-types.ts';
import { bulkActions } from '../../sdk/input-rules.ts';
import { act, type Cli } from '../cli.ts';
import { confirm, type YesOption, yesOption } from '../confirm.ts';
import { examples } from '../examples.ts';
import { UsageError } from '../failure.ts';
import type { KeysClient } from '../keys-client.ts';
import { startProgress } from '../output/progress.ts';
import { propagationText } from '../output/propagation-text.ts';
import { type ReasonOption, reasonOption } from '../values.ts';
import { type FilterOptions, filterOptions, toFilter } from './user-keys-filters.ts';
import { keyColumns } from './user-keys-reading.ts';

/** Commands about many keys at once. */
export function addBulk(keys: Command): void {
  addOrder(keys);
  addJob(keys);
  addCancelJob(keys);
}

type Options = FilterOptions & ReasonOption & YesOption & { dryRun?: true; wait: boolean };

const done = { revoke: 'Revoked', disable: 'Disabled', enable: 'Enabled' } as const;

function addOrder(keys: Command): void {
  const command = filterOptions(
    keys.command('bulk').addArgument(new Argument('<action>', 'what to do').choices(bulkActions)),
  )
    .description('Revokes, disables or enables all keys of a filter. Shows them first, and asks.')
    .option(...reasonOption)
    .option('--dry-run', 'only show them')
    .option('--no-wait', 'do not wait for the job of an order about more than 500 keys')
    .option(...yesOption)
    .action(
      act(
        async (
          cli,
          { reasonCode: reason, dryRun, wait, yes, ...filters }: Options,
          action: BulkOrder['action'],
        ) => {
          const organization_id = filters.org ?? cli.options.asOrg;
          const filter = { ...toFilter(filters), organization_id };
          if (Object.values(filter).every((value) => value === undefined)) {
            throw new UsageError('name a filter, such as --minted-by or --unused-since');
          }
          const client = await cli.keys();
          const order = { action, filter, reason };
          const preview = await client.previewBulk(order);
          if (dryRun) return showPreview(cli, preview);
          if (!yes) await ask(cli, action, preview);
          await carryOut(cli, client, order, { token: preview.confirm_token, wait });
        },
      ),
    );
  examples(
    command,
    'flowplate keys bulk revoke --minted-by flm_x1y2z3w4 --reason-code key_compromise',
    'flowplate keys bulk disable --unused-since 2026-01-01 --dry-run',
  );
}

function showPreview(cli: Cli, preview: BulkPreview): void {
  if (cli.options.json) cli.printJson(preview);
  else cli.printTable(preview.sample, keyColumns);
  cli.note(`${textOf(preview.count)} in all; nothing was changed`);
}

async function ask(cli: Cli, action: string, { count, sample }: BulkPreview): Promise<void> {
  if (count === 0) return;
  if (!cli.options.json) cli.printTable(sample, keyColumns);
  const shown = sample.length < count ? `, of which the newest ${sample.length} are shown` : '';
  await confirm(`This is an order to ${action} ${textOf(count)}${shown}`, 'Carry it out?');
}

async function carryOut(
  cli: Cli,
  client: KeysClient,
  order: BulkOrder,
  { token, wait }: { token: string; wait: boolean },
): Promise<void> {
  const ordered = await client.orderBulk(order, token);
  const { job_id: jobId } = ordered;
  // The keys of a stop are refused already: its job only tidies.
  if (jobId === undefined || !wait || ordered.propagation === 'complete') {
    return cli.say(ordered, sentence(order, ordered));
  }
  const job = await whileRunning(client, jobId);
  cli.say(job, jobSentence(job));
  if (job.status !== 'completed') process.exitCode = 1;
}

function sentence({ action }: BulkOrder, ordered: BulkOrdered): string {
  const { affected_count: count, job_id: jobId } = ordered;
  const job = jobId === undefined ? '' : `; job ${jobId}`;
  const isLater = ordered.propagation_detail.effective_by === null;
  if (isLater) return `Ordered to ${action} ${textOf(count)}${job}`;
  return `${done[action]} ${textOf(count)} (${propagationText(ordered)}${job})`;
}

const lookEveryMs = 1_000;

async function whileRunning(client: KeysClient, id: string): Promise<Job> {
  const progress = startProgress();
  try {
    for (;;) {
      const job = await client.job(id);
      if (job.finished_at !== null) return job;
      progress.show(`${job.affected_count} of ${job.total_count ?? 'all'} keys … (job ${id})`);
      await sleep(lookEveryMs);
    }
  } finally {
    progress.end();
  }
}

function addJob(keys: Command): void {
  const command = keys
    .command('job <job_id>')
    .description('Shows how far an order about many keys has come.')
    .action(
      act(async (cli, _, id: string) => {
        const job = await (await cli.keys()).job(id);
        cli.say(job, jobSentence(job));
      }),
    );
  examples(command, 'flowplate keys job job_x1y2z3w4v5u6');
}

function addCancelJob(keys: Command): void {
  const command = keys
    .command('cancel-job <job_id>')
    .description('Ends an order about many keys before its next batch. Keys that it has changed stay so.')
    .action(
      act(async (cli, _, id: string) => {
        const job = await (await cli.keys()).cancelJob(id);
        cli.say(job, jobSentence(job));
      }),
    );
  examples(command, 'flowplate keys cancel-job job_x1y2z3w4v5u6');
}

function jobSentence(job: Job): string {
  const { job_id, action, status, affected_count: count, total_count: total, fault } = job;
  const of = total === null ? '' : ` of ${total}`;
  return `Job ${job_id} to ${action} keys: ${status}${fault === null ? '' : ` (${fault})`}, ${count}${of} changed`;
}

function textOf(count: number): string {
  return `${count} ${count === 1 ? 'key' : 'keys'}`;
}

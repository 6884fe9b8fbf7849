import { type Command, InvalidArgumentError } from 'commander';
import { numberRanges } from '../../sdk/input-rules.ts';
import type {
  AuditEvent,
  AuditEventType,
  AuditFilter,
  AuditVerification,
  Page,
} from '../../sdk/operator-types.ts';
import { act, type Cli } from '../cli.ts';
import { examples } from '../examples.ts';
import { type PageOptions, pageOptions, printList } from '../list-command.ts';
import { printable } from '../output/printable.ts';
import { whileWaiting } from '../output/progress.ts';
import type { Column } from '../output/table.ts';
import { toSeconds } from '../output/time.ts';
import { writeLinesOf } from '../output/write.ts';
import { time } from '../values.ts';
import { watch } from '../watch.ts';

const columns: readonly Column<AuditEvent>[] = [
  ['ID', ({ id }) => id],
  ['EVENT_TYPE', ({ event_type }) => event_type],
  ['SCOPE', ({ scope }) => scope],
  ['CREATED_AT', ({ created_at }) => toSeconds(created_at)],
];

type FilterOptions = {
  eventType?: AuditEventType | undefined;
  from?: string | undefined;
  to?: string | undefined;
  actor?: string | undefined;
  org?: string | undefined;
  target?: string | undefined;
  result?: AuditFilter['result'];
};

export function addAudit(platform: Command): void {
  const audit = platform
    .command('audit')
    .description('The audit log: who did what, and what was refused. Lists it unless told otherwise.');
  addList(audit);
  addVerify(audit);
  addExport(audit);
  examples(
    audit,
    'flowplate platform audit',
    'flowplate platform audit --event-type platform.impersonated --from 2026-03-12 --limit 50 --json',
    'flowplate platform audit verify',
  );
}

function addList(audit: Command): void {
  const command = filterOptions(
    pageOptions(audit.command('list', { isDefault: true }), numberRanges.auditPageSize),
  )
    .description('Lists audit events, newest first.')
    .option('--watch', 'new events as they come, oldest first, until Ctrl-C')
    .action(
      act(async (cli, options: PageOptions & FilterOptions & { watch?: true }) => {
        const { eventType, from, to, actor, org, target, result, watch, ...page } = options;
        const filter = toFilter({ eventType, from, to, actor, org, target, result });
        const client = await cli.operator('platform');
        const fetch = (next: PageOptions) => client.audit.list({ ...filter, ...next });
        if (watch) return watchEvents(cli, fetch);
        await printList(cli, page, { shape: 'array', columns, fetch });
      }),
    );
  examples(
    command,
    'flowplate platform audit --event-type platform.user.created --limit 10',
    'flowplate platform audit --watch --json',
  );
}

/** Events on a page while watching. */
const watchedMax = 100;

/**
 * Prints each event once, as it comes; with --json one a line. It keeps the ids of the newest page,
 * because an event of a long transaction is listed before others that were printed.
 */
async function watchEvents(cli: Cli, fetch: (page: PageOptions) => Promise<Page<AuditEvent>>): Promise<void> {
  let seen = new Set((await fetch({ limit: watchedMax })).data.map(({ id }) => id));
  cli.note('Waiting for new events; Ctrl-C ends it');
  await watch(async () => {
    const events = await newestEvents(fetch, seen);
    for (const event of events.filter(({ id }) => !seen.has(id)).reverse()) {
      process.stdout.write(`${lineOf(cli, event)}\n`);
    }
    if (events.length > 0) seen = new Set(events.map(({ id }) => id));
  });
}

/** Pages back to one with an event that was seen, so that a burst is shown whole. */
async function newestEvents(
  fetch: (page: PageOptions) => Promise<Page<AuditEvent>>,
  seen: ReadonlySet<string>,
): Promise<AuditEvent[]> {
  const events: AuditEvent[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await fetch({ limit: watchedMax, ...(cursor !== undefined && { cursor }) });
    events.push(...page.data);
    const isWhole = seen.size === 0 || page.data.some(({ id }) => seen.has(id));
    if (isWhole || page.next_cursor === null) return events;
    cursor = page.next_cursor;
  }
}

function lineOf(cli: Cli, event: AuditEvent): string {
  if (cli.options.json) return printable(JSON.stringify(event));
  return columns.map(([, text]) => printable(text(event))).join('  ');
}

function addVerify(audit: Command): void {
  const command = audit
    .command('verify')
    .description('Proves that nothing in the audit log was changed, removed or moved since it was sealed.')
    .option(
      '--head <seq:hash>',
      'a head that was kept elsewhere; without it a log cut short looks whole',
      head,
    )
    .action(
      act(async (cli, options: { head?: Head }) => {
        const client = await cli.operator('platform');
        const answer = await whileWaiting('Reading the audit log', client.audit.verify(options.head));
        cli.say(answer, ...findings(answer));
        if (!answer.valid) process.exitCode = 1;
      }),
    );
  examples(
    command,
    'flowplate platform audit verify',
    'flowplate platform audit verify --head 1523:9f86d081…',
  );
}

type Head = { seq: number; hash: string };

function head(text: string): Head {
  const [, seq, hash] = /^([1-9]\d{0,14}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq !== undefined && hash !== undefined) return { seq: Number(seq), hash };
  throw new InvalidArgumentError('It must be a number, a colon and 64 hexadecimal digits.');
}

function findings({ first_fault, events, unsealed, head }: AuditVerification): string[] {
  if (first_fault !== null) {
    const { kind, seq, event_id } = first_fault;
    const place = [seq === null ? [] : `seq: ${seq}`, event_id === null ? [] : `id: ${event_id}`].flat();
    return [
      `The audit log is not as it was sealed: ${kind}${place.length > 0 ? ` (${place.join(', ')})` : ''}`,
    ];
  }
  const verified = `Verified ${events} audit events; ${unsealed} more wait for their seal`;
  return head === null
    ? [verified]
    : [verified, `Head: ${head.seq}:${head.hash} (${toSeconds(head.sealed_at)})`];
}

function addExport(audit: Command): void {
  const command = filterOptions(audit.command('export'))
    .description('Writes the audit log to stdout, one event a line of JSON.')
    .action(
      act(async (cli, filter: FilterOptions) => {
        const client = await cli.operator('platform');
        await writeLinesOf(client.audit.export(toFilter(filter)), 'events');
      }),
    );
  examples(command, 'flowplate platform audit export --from 2026-03-01 --to 2026-04-01 > march.ndjson');
}

function filterOptions(command: Command): Command {
  return command
    .option('--event-type <type>', 'such as platform.user.created')
    .option('--from <time>', 'this time or later; a day from its beginning, in UTC', time)
    .option('--to <time>', 'before this time; a day to its end, in UTC', time)
    .option('--actor <id>', 'who did it')
    .option('--org <organization_id>', 'in which organization')
    .option('--target <id>', 'what it is about: a key, a user, a tenant')
    .option('--result <result>', 'success or refused');
}

function toFilter({ eventType, org, target, from, to, actor, result }: FilterOptions): AuditFilter {
  return { event_type: eventType, organization_id: org, target_id: target, from, to, actor, result };
}

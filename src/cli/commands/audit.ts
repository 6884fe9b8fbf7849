import { once } from 'node:events';
import { type Command, InvalidArgumentError } from 'commander';
import { numberRanges } from '../../sdk/input-rules.ts';
import type { AuditEvent, AuditEventType, AuditFilter, AuditVerification } from '../../sdk/operator-types.ts';
import { act } from '../cli.ts';
import { examples } from '../examples.ts';
import { type PageOptions, pageOptions, printList } from '../list-command.ts';
import { printable } from '../output/printable.ts';
import { startProgress, whileWaiting } from '../output/progress.ts';
import type { Column } from '../output/table.ts';
import { toSeconds } from '../output/time.ts';
import { time } from '../values.ts';

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
    .action(
      act(async (cli, options: PageOptions & FilterOptions) => {
        const { eventType, from, to, actor, org, target, result, ...page } = options;
        const filter = toFilter({ eventType, from, to, actor, org, target, result });
        const client = await cli.operator('platform');
        const fetch = (next: PageOptions) => client.audit.list({ ...filter, ...next });
        await printList(cli, page, { shape: 'array', columns, fetch });
      }),
    );
  examples(command, 'flowplate platform audit --event-type platform.user.created --limit 10');
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
        await writeAll(client.audit.export(toFilter(filter)));
      }),
    );
  examples(command, 'flowplate platform audit export --from 2026-03-01 --to 2026-04-01 > march.ndjson');
}

/** Escaped as JSON escapes: each line parses to the same, and moves no cursor of a terminal. */
async function writeAll(lines: AsyncIterable<string>): Promise<void> {
  const progress = startProgress();
  let count = 0;
  try {
    for await (const line of lines) {
      if (!process.stdout.write(`${printable(line)}\n`)) await once(process.stdout, 'drain');
      count++;
      progress.show(`${count} events …`);
    }
  } finally {
    progress.end();
  }
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

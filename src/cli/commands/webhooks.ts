import { type Command, Option } from 'commander';
import { numberRanges } from '../../sdk/input-rules.ts';
import type { NewWebhook, Webhook, WebhookDelivery } from '../../sdk/operator-types.ts';
import { act } from '../cli.ts';
import { examples } from '../examples.ts';
import { UsageError } from '../failure.ts';
import { type PageOptions, pageOptions, printList } from '../list-command.ts';
import { whileWaiting } from '../output/progress.ts';
import { saveSecret } from '../output/save-this.ts';
import type { Column } from '../output/table.ts';
import { orNever, toSeconds } from '../output/time.ts';
import { flag, list, time, wholeNumber } from '../values.ts';

const columns: readonly Column<Webhook>[] = [
  ['ID', ({ id }) => id],
  ['URL', ({ url }) => url],
  ['TYPES', ({ types }) => types.join(',')],
  ['ORGANIZATION', ({ organization_id }) => organization_id ?? 'all'],
  ['STATE', stateOf],
  ['WAITING', ({ waiting_events }) => String(waiting_events)],
  ['LAST DELIVERED', ({ last_delivered_at }) => orNever(last_delivered_at)],
];

function stateOf({ enabled, disabled_reason, failing_since }: Webhook): string {
  if (!enabled) return disabled_reason === null ? 'disabled' : `disabled (${disabled_reason})`;
  return failing_since === null ? 'enabled' : `failing since ${toSeconds(failing_since)}`;
}

export function addWebhooks(program: Command): void {
  const webhooks = program
    .command('webhooks')
    .description('Endpoints that events are sent to. docs/webhooks.md says how to receive them.');
  addList(webhooks);
  addGet(webhooks);
  addCreate(webhooks);
  addUpdate(webhooks);
  addDelete(webhooks);
  addRotateSecret(webhooks);
  addTest(webhooks);
  addDeliveries(webhooks);
  addReplay(webhooks);
  examples(
    webhooks,
    'flowplate webhooks create --url https://hooks.example.com/flowplate --types key.revoked',
  );
}

function addList(webhooks: Command): void {
  const command = pageOptions(webhooks.command('list').description('Lists webhooks, newest first.')).action(
    act(async (cli, page: PageOptions) => {
      const client = await cli.operator('platform');
      const fetch = (next: PageOptions) => client.webhooks.list(next);
      await printList(cli, page, { shape: 'array', columns, fetch });
    }),
  );
  examples(command, 'flowplate webhooks list --all');
}

function addGet(webhooks: Command): void {
  const command = webhooks
    .command('get <webhook_id>')
    .description('Shows one webhook and how it is doing. Never its secret.')
    .action(
      act(async (cli, _, id: string) => {
        const webhook = await (await cli.operator('platform')).webhooks.get(id);
        if (cli.options.json) cli.printJson(webhook);
        else cli.printTable([webhook], columns);
      }),
    );
  examples(command, 'flowplate webhooks get whe_x1y2z3w4 --json');
}

type Settings = { url?: string; types?: string[]; description?: string; enabled?: boolean };

function settingOptions(command: Command): Command {
  return command
    .option('--description <text>', 'what it is for')
    .option('--enabled <true|false>', 'whether events are sent', flag);
}

/** The API knows the types, and names one that it does not know. */
function toTypes(types: string[]): NewWebhook['types'] {
  return types as unknown as NewWebhook['types'];
}

function addCreate(webhooks: Command): void {
  const command = settingOptions(
    webhooks
      .command('create')
      .description('Creates a webhook for the events from now on, and shows its secret this once.')
      .requiredOption('--url <url>', 'where events are sent to; https')
      .requiredOption(
        '--types <types>',
        "separated by commas, or '*' for all; docs/events.md lists them",
        list,
      )
      .option('--org <organization_id>', 'only events of this organization'),
  ).action(
    act(async (cli, options: Settings & { url: string; types: string[]; org?: string }) => {
      const { url, types, org, description, enabled } = options;
      const body = { url, types: toTypes(types), organization_id: org, description, enabled };
      const created = await (await cli.operator('platform')).webhooks.create(body);
      const sentence = `Created webhook: ${created.url} (id: ${created.id})`;
      cli.say(created, sentence, `Secret: ${created.secret}`, saveSecret);
    }),
  );
  examples(
    command,
    'flowplate webhooks create --url https://hooks.example.com/flowplate --types key.revoked,key.expired',
    "flowplate webhooks create --url https://hooks.example.com/acme --types '*' --org org_x1y2z3w4",
  );
}

function addUpdate(webhooks: Command): void {
  const command = settingOptions(
    webhooks
      .command('update <webhook_id>')
      .description(
        'Changes the named fields. Enabled again, it goes on with the first event that it has not got.',
      )
      .option('--url <url>', 'where events are sent to; https')
      .option('--types <types>', "instead of the types so far; '*' for all", list),
  ).action(
    act(async (cli, { types, ...options }: Settings, id: string) => {
      const changes = { ...options, ...(types !== undefined && { types: toTypes(types) }) };
      const webhook = await (await cli.operator('platform')).webhooks.update(id, changes);
      cli.say(webhook, `Updated webhook: ${webhook.url} (id: ${id}; ${stateOf(webhook)})`);
    }),
  );
  examples(
    command,
    'flowplate webhooks update whe_x1y2z3w4 --enabled true',
    'flowplate webhooks update whe_x1y2z3w4 --types key.revoked,key.leaked',
  );
}

function addDelete(webhooks: Command): void {
  const command = webhooks
    .command('delete <webhook_id>')
    .description('Deletes a webhook with its deliveries and dead letters.')
    .action(
      act(async (cli, _, id: string) => {
        const answer = await (await cli.operator('platform')).webhooks.delete(id);
        cli.say(answer, `Deleted webhook: ${id}`);
      }),
    );
  examples(command, 'flowplate webhooks delete whe_x1y2z3w4');
}

function addRotateSecret(webhooks: Command): void {
  const command = webhooks
    .command('rotate-secret <webhook_id>')
    .description('Gives a webhook a new secret. The old one signs too during the overlap.')
    .option(
      '--overlap-seconds <number>',
      'a day unless named; 0 ends the old one at once',
      wholeNumber(numberRanges.overlapSeconds),
    )
    .action(
      act(async (cli, { overlapSeconds }: { overlapSeconds?: number }, id: string) => {
        const { webhooks } = await cli.operator('platform');
        const rotated = await webhooks.rotateSecret(id, { overlap_seconds: overlapSeconds });
        const until = rotated.previous_secret_until;
        const old = until === null ? 'has ended' : `signs too until ${toSeconds(until)}`;
        const sentence = `Rotated the secret of webhook: ${id}. The old one ${old}`;
        cli.say(rotated, sentence, `New secret: ${rotated.secret}`, saveSecret);
      }),
    );
  examples(command, 'flowplate webhooks rotate-secret whe_x1y2z3w4 --overlap-seconds 3600');
}

function addTest(webhooks: Command): void {
  const command = webhooks
    .command('test <webhook_id>')
    .description('Sends a test event at once, and shows the answer; 1 when it was not accepted.')
    .action(
      act(async (cli, _, id: string) => {
        const client = await cli.operator('platform');
        const tested = await whileWaiting('Waiting for the endpoint', client.webhooks.test(id));
        const outcome = tested.delivered ? 'Delivered' : 'Not delivered';
        cli.say(tested, `${outcome}: ${tested.event_id} (${answerText(tested.answer)})`);
        if (!tested.delivered) process.exitCode = 1;
      }),
    );
  examples(command, 'flowplate webhooks test whe_x1y2z3w4');
}

const deliveryColumns: readonly Column<WebhookDelivery>[] = [
  ['EVENT', ({ event_id }) => event_id],
  ['TYPE', ({ type }) => type],
  ['STATUS', ({ status, is_replay }) => (is_replay ? `${status} (replay)` : status)],
  ['ATTEMPTS', ({ attempts }) => String(attempts)],
  ['LAST ATTEMPT', ({ last_attempt_at }) => orNever(last_attempt_at)],
  ['NEXT ATTEMPT', ({ next_attempt_at }) => (next_attempt_at === null ? '-' : toSeconds(next_attempt_at))],
  ['ANSWER', ({ answer }) => (answer === null ? '-' : answerText(answer))],
];

function answerText({ status, fault, duration_ms }: NonNullable<WebhookDelivery['answer']>): string {
  return `${status ?? fault} in ${duration_ms} ms`;
}

type DeliveryOptions = PageOptions & { status?: WebhookDelivery['status'] };

function addDeliveries(webhooks: Command): void {
  const command = pageOptions(
    webhooks
      .command('deliveries <webhook_id>')
      .description('Lists what was sent, newest event first; --json has requests and answers.')
      .addOption(
        new Option('--status <status>', 'only of this status; dead ones are given up').choices([
          'pending',
          'delivered',
          'dead',
        ]),
      ),
  ).action(
    act(async (cli, { status, ...page }: DeliveryOptions, id: string) => {
      const client = await cli.operator('platform');
      const fetch = (next: PageOptions) => client.webhooks.deliveries(id, { status, ...next });
      await printList(cli, page, { shape: 'array', columns: deliveryColumns, fetch });
    }),
  );
  examples(command, 'flowplate webhooks deliveries whe_x1y2z3w4 --status dead --all');
}

type ReplayOptions = { events?: string[]; from?: string; to?: string };

function addReplay(webhooks: Command): void {
  const command = webhooks
    .command('replay <webhook_id>')
    .description('Sends events again, with their old ids: by --events, or all of a time by --from and --to.')
    .option('--events <ids>', 'at most 1000; separated by commas', list)
    .option('--from <time>', 'events from then on; a day at its beginning, in UTC', time)
    .option('--to <time>', 'events before then; a day to its end, in UTC', time)
    .action(
      act(async (cli, { events, from, to }: ReplayOptions, id: string) => {
        const hasTime = from !== undefined && to !== undefined;
        if (events === undefined ? !hasTime : from !== undefined || to !== undefined)
          throw new UsageError('name either --events, or --from and --to');
        const { webhooks } = await cli.operator('platform');
        const queued = await webhooks.replay(id, { event_ids: events, from, to });
        cli.say(queued, `Queued ${queued.count} events to be sent again`);
      }),
    );
  examples(
    command,
    'flowplate webhooks replay whe_x1y2z3w4 --events evt_x1y2z3w4,evt_a1b2c3d4',
    'flowplate webhooks replay whe_x1y2z3w4 --from 2026-11-27 --to 2026-11-27',
  );
}

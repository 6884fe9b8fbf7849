import { type Command, Option } from 'commander';
import type { HygieneFilter, HygieneItem, HygienePage } from '../../sdk/api-types.ts';
import { hygieneFindings, numberRanges } from '../../sdk/input-rules.ts';
import { act } from '../cli.ts';
import { examples } from '../examples.ts';
import { type PageOptions, pageOptions, printList } from '../list-command.ts';
import type { Column } from '../output/table.ts';
import { orNever, toSeconds } from '../output/time.ts';
import { writeLinesOf } from '../output/write.ts';
import { wholeNumber } from '../values.ts';

type Asked = {
  finding?: HygieneFilter['finding'];
  unusedDays?: number;
  expiringDays?: number;
  ageDays?: number;
  unaskedDays?: number;
  user?: string;
  org?: string | undefined;
  environment?: string;
  csv?: true;
};

const columns: readonly Column<HygieneItem>[] = [
  ['ID', ({ key_id }) => key_id],
  ['USER', ({ user_id }) => user_id],
  ['ORGANIZATION', ({ organization_id }) => organization_id],
  ['ENVIRONMENT', ({ environment }) => environment],
  ['PREFIX', ({ key_prefix }) => key_prefix],
  ['FINDINGS', ({ findings }) => findings.join(',')],
  ['CREATED', ({ created_at }) => toSeconds(created_at)],
  ['LAST USED', ({ usage }) => orNever(usage.last_used_at)],
  ['EXPIRES', ({ expires_at }) => orNever(expires_at)],
  ['REFRESH DUE', ({ rotation_due_at: at }) => (at === null ? '' : toSeconds(at))],
  ['UNASKED SCOPES', ({ unasked_scopes }) => unasked_scopes?.join(' ') ?? ''],
];

/** A gateway that still accepts the key before a key. */
type OldKeyUse = HygieneItem['predecessor_uses'][number] & Pick<HygieneItem, 'user_id' | 'organization_id'>;

const useColumns: readonly Column<OldKeyUse>[] = [
  ['OLD KEY', ({ key_id }) => key_id],
  ['USER', ({ user_id }) => user_id],
  ['ORGANIZATION', ({ organization_id }) => organization_id],
  ['GATEWAY', ({ master_key_id }) => master_key_id],
  ['SINCE', ({ first_used_at }) => toSeconds(first_used_at)],
  ['LAST USED', ({ last_used_at }) => toSeconds(last_used_at)],
  ['ENDS', ({ superseded_until }) => toSeconds(superseded_until)],
];

const days = wholeNumber(numberRanges.hygieneDays);
const unaskedDaysUnlessSet = 30;

/** Report of active keys that somebody should look at. */
export function addHygiene(keys: Command): void {
  const command = pageOptions(
    keys
      .command('hygiene')
      .description('Shows active keys that need attention, each with its findings. It changes nothing.'),
  )
    .addOption(new Option('--finding <finding>', 'one finding alone').choices(hygieneFindings))
    .option('--unused-days <days>', 'unused or never used for so long; 90 unless set', days)
    .option(
      '--expiring-days <days>',
      'ending, or due for a refresh, within so many days; 30 unless set',
      days,
    )
    .option('--age-days <days>', 'issued longer ago than this; 365 unless set', days)
    .option(
      '--unasked-days <days>',
      `with scopes that no gateway asked for in so many days; ${unaskedDaysUnlessSet} unless set`,
      wholeNumber(numberRanges.unaskedDays),
    )
    .option('--user <user_id>', 'whose')
    .option('--org <organization_id>', 'in which organization')
    .option('--environment <name>', 'in which environment')
    .option('--csv', 'all of them as CSV')
    .action(
      act(async (cli, { limit, cursor, all, csv, ...asked }: PageOptions & Asked) => {
        const org = asked.org ?? cli.options.asOrg;
        const filter = toFilter({ ...asked, ...(org !== undefined && { org }) });
        const client = await cli.keys();
        if (csv) return writeLinesOf(client.hygieneCsv(filter));
        const page = { ...(limit && { limit }), ...(cursor && { cursor }), ...(all && { all }) };
        let report: HygienePage | undefined;
        const fetch = async (next: PageOptions) => {
          report = await client.hygiene({ ...filter, ...next });
          return report;
        };
        const none = 'No key with such a finding on this page.';
        if (filter.finding !== 'predecessor_used' || cli.options.json) {
          await printList(cli, page, { shape: client.listShape, columns, fetch, none });
          const note = filter.finding === 'scope_unasked' ? whenUnaskedIsKnown(report, filter) : undefined;
          if (note !== undefined) cli.note(note);
          return;
        }
        const fetchUses = async (next: PageOptions) => {
          const { data, next_cursor } = await fetch(next);
          return { data: data.flatMap(usesOf), next_cursor };
        };
        await printList(cli, page, { shape: client.listShape, columns: useColumns, fetch: fetchUses, none });
      }),
    );
  examples(
    command,
    'flowplate keys hygiene',
    'flowplate keys hygiene --finding unused --unused-days 180 --all',
    'flowplate keys hygiene --finding predecessor_used',
    'flowplate keys hygiene --finding scope_unasked --unasked-days 60',
    'flowplate keys hygiene --org org_acme --csv > hygiene.csv',
  );
}

/** Undefined when nothing stands in the way of the finding, as far as this report tells. */
function whenUnaskedIsKnown(
  report: HygienePage | undefined,
  { unasked_days: days = unaskedDaysUnlessSet }: HygieneFilter,
): string | undefined {
  const since = report?.scopes_recorded_since ?? undefined;
  if (since === undefined) return 'The broker does not record yet which scopes gateways ask for.';
  const from = new Date(Date.parse(since) + days * 86_400_000);
  if (from <= new Date()) return undefined;
  return `Scopes that gateways ask for are recorded since ${toSeconds(since)}. Before ${toSeconds(from.toISOString())} none is called unasked.`;
}

function usesOf({ user_id, organization_id, predecessor_uses }: HygieneItem): OldKeyUse[] {
  return predecessor_uses.map((use) => ({ ...use, user_id, organization_id }));
}

function toFilter({
  finding,
  unusedDays,
  expiringDays,
  ageDays,
  unaskedDays,
  user,
  org,
  environment,
}: Asked): HygieneFilter {
  return {
    finding,
    unused_days: unusedDays,
    expiring_days: expiringDays,
    age_days: ageDays,
    unasked_days: unaskedDays,
    user_id: user,
    organization_id: org,
    environment,
  };
}

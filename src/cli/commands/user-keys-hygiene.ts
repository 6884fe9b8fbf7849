import { type Command, Option } from 'commander';
import type { HygieneFilter, HygieneItem } from '../../sdk/api-types.ts';
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
        const fetch = (next: PageOptions) => client.hygiene({ ...filter, ...next });
        const none = 'No key with such a finding on this page.';
        if (filter.finding !== 'predecessor_used' || cli.options.json) {
          return printList(cli, page, { shape: client.listShape, columns, fetch, none });
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
    'flowplate keys hygiene --org org_acme --csv > hygiene.csv',
  );
}

function usesOf({ user_id, organization_id, predecessor_uses }: HygieneItem): OldKeyUse[] {
  return predecessor_uses.map((use) => ({ ...use, user_id, organization_id }));
}

function toFilter({
  finding,
  unusedDays,
  expiringDays,
  ageDays,
  user,
  org,
  environment,
}: Asked): HygieneFilter {
  return {
    finding,
    unused_days: unusedDays,
    expiring_days: expiringDays,
    age_days: ageDays,
    user_id: user,
    organization_id: org,
    environment,
  };
}

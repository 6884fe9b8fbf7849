import { Button, Group, Stack, Text, Title } from '@mantine/core';
import { download } from '../parts/download.ts';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { Pager } from '../parts/pager.tsx';
import { useSearchState } from '../parts/search-state.ts';
import { HygieneFilters } from './hygiene-filters.tsx';
import { HygieneTable } from './hygiene-table.tsx';
import { ScopesNote } from './scopes-note.tsx';
import {
  type HygieneFilter,
  hygieneFilterNames,
  unaskedDaysUnlessSet,
  useHygiene,
  useHygieneCsv,
} from './use-hygiene.ts';

/** Active hidden keys that somebody should look at. It changes nothing. */
export function HygienePage() {
  const [read, write] = useSearchState();
  const filter = Object.fromEntries(hygieneFilterNames.map((name) => [name, read(name)])) as HygieneFilter;
  const report = useHygiene(filter);
  const csv = useHygieneCsv((file) => download(`hygiene-${new Date().toISOString().slice(0, 10)}.csv`, file));
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>Hygiene</Title>
        <Button variant="default" loading={csv.isPending} onClick={() => csv.mutate(filter)}>
          Download CSV
        </Button>
      </Group>
      <Text>
        Active hidden keys that somebody should look at: replace them, give them an end, take scopes away, or
        revoke them.
      </Text>
      <HygieneFilters filter={filter} onChange={(changes) => write({ ...changes, cursor: '' })} />
      {filter.finding === 'scope_unasked' && (
        <ScopesNote
          recordedSince={report.data?.scopesRecordedSince}
          days={Number(filter.unasked_days || unaskedDaysUnlessSet)}
        />
      )}
      {csv.isError && <FaultAlert error={csv.error} />}
      {report.isError && <FaultAlert error={report.error} retry={() => void report.refetch()} />}
      {!(report.isError && report.data === undefined) && (
        <HygieneTable items={report.data?.items} isMore={report.data?.next !== undefined} />
      )}
      <Pager cursor={filter.cursor} next={report.data?.next} onTurn={(cursor) => write({ cursor })} />
    </Stack>
  );
}

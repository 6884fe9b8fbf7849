import { Button, Card, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { TenantPicker } from '../organizations/organization-picker.tsx';
import { download } from '../parts/download.ts';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { number } from '../parts/number.ts';
import { useSearchState } from '../parts/search-state.ts';
import { SpanPicker } from '../parts/span-picker.tsx';
import { useOwn } from '../sessions/me.ts';
import { TenantUsageTable } from './organization-usage-table.tsx';
import { usageCsv } from './usage-csv.ts';
import { type RangeDays, rangeDays, type Usage, useUsage } from './use-usage.ts';

const UsageChart = lazy(() =>
  import('../api-keys/usage-chart.tsx').then(({ UsageChart }) => ({ default: UsageChart })),
);

const choices = Object.entries(rangeDays).map(([value, label]) => ({ value, label }));

/** Calls of each tenant by day, as a chart, a table and CSV. */
export function UsagePage() {
  const { inside } = useOwn();
  const [read, write] = useSearchState();
  const days = (read('days') in rangeDays ? read('days') : '30') as RangeDays;
  // Inside a tenant the server knows no other.
  const tenant = inside === undefined ? read('organization_id') : '';
  const usage = useUsage(days, tenant);
  const save = ({ from }: Usage, csv: string) =>
    download(`usage-${tenant || inside?.id || 'all'}-from-${from.slice(0, 10)}.csv`, csv);
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>Usage</Title>
        <Button
          variant="default"
          disabled={usage.data === undefined}
          onClick={() => usage.data && save(usage.data, usageCsv(usage.data))}
        >
          Download CSV
        </Button>
      </Group>
      <Text>Calls by UTC day, hidden keys included. A call is counted within ten seconds.</Text>
      <Group align="end">
        {inside === undefined && (
          <TenantPicker label="Tenant" value={tenant} onChange={(id) => write({ organization_id: id })} />
        )}
        <SpanPicker
          data={choices}
          value={days}
          onChange={(chosen) => write({ days: chosen === '30' ? '' : chosen })}
        />
      </Group>
      {usage.isError && <FaultAlert error={usage.error} retry={() => void usage.refetch()} />}
      {usage.isPending && <Skeleton h={260} />}
      {usage.data !== undefined && (
        <>
          <Card withBorder component="section" aria-label="Calls by day">
            <Suspense fallback={<Skeleton h={220} />}>
              <UsageChart usage={seriesOf(usage.data)} />
            </Suspense>
            <Text size="sm">{inWords(usage.data)}</Text>
          </Card>
          <TenantUsageTable usage={usage.data} />
        </>
      )}
    </Stack>
  );
}

function seriesOf({ from, to, all }: Usage) {
  const data = all.map(({ day, ...sums }) => ({ start: `${day}T00:00:00.000Z`, ...sums }));
  return { granularity: 'day' as const, from, to, data };
}

function inWords({ all }: Usage): string {
  const requests = all.reduce((sum, day) => sum + day.requests, 0);
  const refused = all.reduce((sum, day) => sum + day.refused, 0);
  return `${number(requests)} calls and ${number(refused)} refusals.`;
}

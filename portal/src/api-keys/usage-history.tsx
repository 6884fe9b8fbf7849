import { Group, SegmentedControl, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { number } from '../parts/number.ts';
import type { ApiKeyUsage, Granularity, UsageSpan } from './use-api-keys.ts';

// Loaded on demand: the charts are as large as all other code together.
const UsageChart = lazy(() =>
  import('./usage-chart.tsx').then(({ UsageChart }) => ({ default: UsageChart })),
);

const spans: Record<Granularity, { days: number; label: string }> = {
  hour: { days: 1, label: 'Last 24 hours' },
  day: { days: 30, label: 'Last 30 days' },
};

type Props = {
  /** Query key of the owner of the usage. */
  of: readonly string[];
  load: (span: UsageSpan) => Promise<ApiKeyUsage>;
};

export function UsageHistory({ of, load }: Props) {
  const [granularity, setGranularity] = useState<Granularity>('day');
  const [openedAt] = useState(Date.now);
  const from = new Date(openedAt - spans[granularity].days * 86_400_000).toISOString();
  const usage = useQuery({
    queryKey: [...of, 'usage', granularity, from],
    queryFn: () => load({ granularity, from }),
  });
  return (
    <Stack mt="lg" gap="xs">
      <Group justify="space-between">
        <Title order={2} size="h4">
          Usage history
        </Title>
        <SegmentedControl
          aria-label="Time span"
          data={Object.entries(spans).map(([value, { label }]) => ({ value, label }))}
          value={granularity}
          onChange={(chosen) => setGranularity(chosen as Granularity)}
        />
      </Group>
      {usage.isError && <FaultAlert error={usage.error} />}
      <Suspense fallback={<Skeleton h={220} />}>
        {usage.data === undefined ? <Skeleton h={220} /> : <UsageChart usage={usage.data} />}
      </Suspense>
      {usage.data !== undefined && (
        <Text size="sm">
          {number(usage.data.totals.requests)} calls and {number(usage.data.totals.refused)} refusals.
        </Text>
      )}
    </Stack>
  );
}

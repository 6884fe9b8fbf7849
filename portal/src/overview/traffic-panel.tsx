import { SegmentedControl, Skeleton, Text } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { number } from './number.ts';
import { Panel } from './panel.tsx';
import { type Traffic, useTraffic } from './use-overview.ts';

const UsageChart = lazy(() =>
  import('../api-keys/usage-chart.tsx').then(({ UsageChart }) => ({ default: UsageChart })),
);

const spans = [
  { value: 'hour', label: 'Last 24 hours' },
  { value: 'day', label: 'Last 30 days' },
];

type Props = { granularity: Traffic['granularity']; onChange: (granularity: string) => void };

export function TrafficPanel({ granularity, onChange }: Props) {
  const traffic = useTraffic(granularity);
  return (
    <Panel
      title="Traffic and refusals"
      query={traffic}
      height={250}
      aside={<SegmentedControl aria-label="Time span" data={spans} value={granularity} onChange={onChange} />}
    >
      {(data) => (
        <>
          <Suspense fallback={<Skeleton h={220} />}>
            <UsageChart usage={data} />
          </Suspense>
          <Text size="sm">{inWords(data.totals)}</Text>
        </>
      )}
    </Panel>
  );
}

function inWords({ requests, refused, refusals }: Traffic['totals']): string {
  if (requests + refused === 0)
    return 'No key was used in this time. Calls are seen here within ten seconds, once a key is verified.';
  const byCode = Object.entries(refusals)
    .sort(([, one], [, other]) => other - one)
    .map(([code, calls]) => `${code} ${number(calls)}`);
  const list = byCode.length === 0 ? '' : `: ${byCode.join(', ')}`;
  return `${number(requests)} calls and ${number(refused)} refusals${list}.`;
}

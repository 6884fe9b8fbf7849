import { Skeleton, Text } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { number } from '../parts/number.ts';
import { SpanPicker } from '../parts/span-picker.tsx';
import { Panel } from './panel.tsx';
import { comparison, newest, readSpan, type Span, spans } from './spans.ts';
import { type Traffic, useTraffic } from './use-overview.ts';

const UsageChart = lazy(() =>
  import('../api-keys/usage-chart.tsx').then(({ UsageChart }) => ({ default: UsageChart })),
);

const choices = Object.entries(spans).map(([value, { label }]) => ({ value, label }));

type Props = { span: Span; onChange: (span: Span) => void };

export function TrafficPanel({ span, onChange }: Props) {
  const traffic = useTraffic(span);
  return (
    <Panel
      title="Traffic and refusals"
      query={traffic}
      height={270}
      aside={<SpanPicker data={choices} value={span} onChange={(chosen) => onChange(readSpan(chosen))} />}
    >
      {(data) => {
        const { series, totals } = newest(data, span);
        return (
          <>
            <Suspense fallback={<Skeleton h={220} />}>
              <UsageChart usage={series} />
            </Suspense>
            <Text size="sm">{inWords(totals)}</Text>
            <Text size="sm">{inComparison(data, span)}</Text>
          </>
        );
      }}
    </Panel>
  );
}

function inWords({ requests, refused, refusals }: Omit<Traffic['totals'], 'start'>): string {
  if (requests + refused === 0)
    return 'No key was used in this time. Calls are seen here within ten seconds, once a key is verified.';
  const byCode = Object.entries(refusals)
    .sort(([, one], [, other]) => other - one)
    .map(([code, calls]) => `${code} ${number(calls)}`);
  const list = byCode.length === 0 ? '' : `: ${byCode.join(', ')}`;
  return `${number(requests)} calls and ${number(refused)} refusals${list}.`;
}

const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 0 });

function inComparison(traffic: Traffic, span: Span): string {
  const { now, before } = comparison(traffic, span);
  const { steps, granularity } = spans[span];
  const than = span === 'hour' ? 'the day before' : `the ${steps} days before`;
  const lead = `In the last ${steps} full ${granularity}s ${number(now)} calls`;
  if (before === 0) return `${lead}; none in ${than}.`;
  if (now === before) return `${lead}, as many as in ${than}.`;
  const change = percent.format(Math.abs(now - before) / before);
  return `${lead}, ${change} ${now > before ? 'more' : 'fewer'} than in ${than} (${number(before)}).`;
}

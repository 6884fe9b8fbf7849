import '@mantine/charts/styles.css';
import { BarChart } from '@mantine/charts';
import { number } from '../parts/number.ts';
import { type Series, wholeSteps } from './whole-steps.ts';

const hour = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' });

/** Chart of calls and refusals, with the same numbers as text below. */
export function UsageChart({ usage }: { usage: Series }) {
  const format = usage.granularity === 'hour' ? hour : day;
  const data = wholeSteps(usage).map(({ start, requests, refused }) => ({
    start: format.format(new Date(start)),
    Calls: requests,
    Refusals: refused,
  }));
  return (
    <div role="img" aria-label={`Calls and refusals by ${usage.granularity}`}>
      <BarChart
        h={220}
        data={data}
        dataKey="start"
        type="stacked"
        withLegend
        valueFormatter={number}
        series={[
          { name: 'Calls', color: 'blue.7' },
          { name: 'Refusals', color: 'red.7' },
        ]}
        barChartProps={{ accessibilityLayer: false }}
        barProps={{ isAnimationActive: false }}
      />
    </div>
  );
}

import { SimpleGrid, Stack, Title } from '@mantine/core';
import { useSearchState } from '../parts/search-state.ts';
import { AttentionPanel } from './attention-panel.tsx';
import { QueuesPanel } from './queues-panel.tsx';
import { readSpan } from './spans.ts';
import { StatePanel } from './state-panel.tsx';
import { TopPanels } from './top-panels.tsx';
import { TrafficPanel } from './traffic-panel.tsx';
import { VerifiersPanel } from './verifiers-panel.tsx';

/** Health of the broker, and items that need attention. */
export function OverviewPage() {
  const [read, write] = useSearchState();
  return (
    <Stack>
      <Title order={1}>Overview</Title>
      <StatePanel />
      <TrafficPanel
        span={readSpan(read('by'))}
        onChange={(span) => write({ by: span === 'hour' ? '' : span })}
      />
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <TopPanels
          day={read('day') === 'yesterday' ? 'yesterday' : 'today'}
          onChange={(day) => write({ day: day === 'yesterday' ? day : '' })}
        />
        <AttentionPanel attention="expiring" />
        <AttentionPanel attention="unused" />
        <VerifiersPanel />
        <QueuesPanel />
      </SimpleGrid>
    </Stack>
  );
}

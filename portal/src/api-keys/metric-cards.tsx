import { Card, SimpleGrid, Skeleton, Text } from '@mantine/core';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { useKeyStats } from './use-api-keys.ts';

const metrics = [
  { field: 'total_keys', label: 'Total Keys' },
  { field: 'active_keys', label: 'Active Keys' },
  { field: 'expired_keys', label: 'Expired Keys' },
  { field: 'api_calls_today', label: 'API Calls Today' },
] as const;

const number = new Intl.NumberFormat();

export function MetricCards() {
  const stats = useKeyStats();
  if (stats.isError) return <FaultAlert error={stats.error} retry={() => void stats.refetch()} />;
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }}>
      {metrics.map(({ field, label }) => (
        <Card key={field} withBorder component="section" aria-label={label}>
          <Text size="sm">{label}</Text>
          {stats.data === undefined ? (
            <Skeleton h={31} w="50%" />
          ) : (
            <Text size="xl" fw={700}>
              {number.format(stats.data[field])}
            </Text>
          )}
        </Card>
      ))}
    </SimpleGrid>
  );
}

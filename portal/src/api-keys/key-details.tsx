import {
  Badge,
  Code,
  Group,
  Modal,
  SegmentedControl,
  Skeleton,
  Stack,
  Table,
  Text,
  Title,
} from '@mantine/core';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { Time } from '../parts/time.tsx';
import { StatusBadge } from './status-badge.tsx';
import { type ApiKey, type Granularity, useApiKey, useKeyUsage } from './use-api-keys.ts';

// The charts are as heavy as everything else together, and only this dialog has one.
const UsageChart = lazy(() =>
  import('./usage-chart.tsx').then(({ UsageChart }) => ({ default: UsageChart })),
);

export function KeyDetails({ id, onClose }: { id: string; onClose: () => void }) {
  const apiKey = useApiKey(id);
  return (
    <Modal opened onClose={onClose} title={apiKey.data?.name ?? 'API key'} size="xl">
      {apiKey.isError && <FaultAlert error={apiKey.error} />}
      {apiKey.data === undefined ? <Skeleton h={420} /> : <Configuration apiKey={apiKey.data} />}
      <UsageHistory id={id} />
    </Modal>
  );
}

function Configuration({ apiKey }: { apiKey: ApiKey }) {
  const rows: [label: string, value: ReactNode][] = [
    ['Description', apiKey.description ?? '—'],
    ['Key', <Code key="key">{apiKey.key_masked}</Code>],
    ['Id', <Code key="id">{apiKey.id}</Code>],
    ['Kind', apiKey.platform ? 'Platform key' : `Tenant key of ${apiKey.organization_id}`],
    ['Environment', apiKey.environment ?? '—'],
    ['Scopes', <Names key="scopes" names={apiKey.scopes} />],
    ['Roles', <Names key="roles" names={apiKey.role_ids} />],
    ['Status', <StatusBadge key="status" status={apiKey.status} />],
    ['Created', <Time key="created" at={apiKey.created_at} none="—" />],
    ['Expires', <Time key="expires" at={apiKey.expires_at} none="Never" as="date" />],
    ['Revoked', <Time key="revoked" at={apiKey.revoked_at} none="—" />],
    ['Last used', <Time key="used" at={apiKey.last_used_at} none="Never" />],
    ['Calls', `${apiKey.usage.total_requests} in all, ${apiKey.usage.requests_today} today`],
    ['Refused', String(apiKey.usage.refused_requests)],
  ];
  return (
    <Table variant="vertical" layout="fixed">
      <Table.Tbody>
        {rows.map(([label, value]) => (
          <Table.Tr key={label}>
            <Table.Th w={140} scope="row">
              {label}
            </Table.Th>
            <Table.Td>{value}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Names({ names }: { names: readonly string[] }) {
  if (names.length === 0) return '—';
  return (
    <Group gap={4}>
      {names.map((name) => (
        <Badge key={name} variant="default">
          {name}
        </Badge>
      ))}
    </Group>
  );
}

const spans: Record<Granularity, { days: number; label: string }> = {
  hour: { days: 1, label: 'Last 24 hours' },
  day: { days: 30, label: 'Last 30 days' },
};

function UsageHistory({ id }: { id: string }) {
  const [granularity, setGranularity] = useState<Granularity>('day');
  const [openedAt] = useState(Date.now);
  const from = new Date(openedAt - spans[granularity].days * 86_400_000);
  const usage = useKeyUsage(id, granularity, from.toISOString());
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
          {usage.data.totals.requests} calls and {usage.data.totals.refused} refusals.
        </Text>
      )}
    </Stack>
  );
}

import { Anchor, Code, SegmentedControl, Table, Text } from '@mantine/core';
import { Link } from 'react-router';
import { number } from '../parts/number.ts';
import { useNames } from '../parts/use-names.ts';
import { Panel } from './panel.tsx';
import { PanelTable } from './panel-table.tsx';
import { type TopTraffic, useTopTraffic } from './use-overview.ts';

const days = [
  { value: 'today', label: 'Today (UTC)' },
  { value: 'yesterday', label: 'Yesterday' },
];

type Props = { day: string; onChange: (day: string) => void };

/** Two panels from one answer. */
export function TopPanels({ day, onChange }: Props) {
  const top = useTopTraffic(day === 'yesterday');
  return (
    <>
      {top.data?.tenants !== null && (
        <Panel title="Top tenants" query={top} height={230}>
          {({ tenants }) => <Tenants tenants={tenants ?? []} />}
        </Panel>
      )}
      <Panel
        title="Top keys"
        query={top}
        height={230}
        aside={<SegmentedControl aria-label="Day" size="xs" data={days} value={day} onChange={onChange} />}
      >
        {({ keys }) => <Keys keys={keys} />}
      </Panel>
    </>
  );
}

function Tenants({ tenants }: { tenants: NonNullable<TopTraffic['tenants']> }) {
  if (tenants.length === 0) return <Text>No key of a tenant was used on this day.</Text>;
  return (
    <PanelTable label="Top tenants" columns={['Tenant', 'Calls', 'Refusals']} minWidth={300}>
      {tenants.map(({ id, name, requests, refused }) => (
        <Table.Tr key={id}>
          <Table.Td>
            <Anchor component={Link} to={`/tenants?tenant=${encodeURIComponent(id)}`}>
              {name}
            </Anchor>
          </Table.Td>
          <Table.Td>{number(requests)}</Table.Td>
          <Table.Td>{number(refused)}</Table.Td>
        </Table.Tr>
      ))}
    </PanelTable>
  );
}

type Key = TopTraffic['keys'][number];

const kinds: Record<Key['kind'], string> = { tenant: 'Tenant', platform: 'Platform', user: 'Hidden' };

function Keys({ keys }: { keys: Key[] }) {
  const nameOf = useNames(keys.map((key) => key.organization_id));
  if (keys.length === 0) return <Text>No key was used on this day.</Text>;
  return (
    <PanelTable label="Top keys" columns={['Key', 'Kind', 'Calls', 'Refusals']} minWidth={420}>
      {keys.map((key) => (
        <Table.Tr key={key.id}>
          <Table.Td>
            <Anchor component={Link} to={viewOf(key)}>
              {key.name ?? key.prefix}
            </Anchor>
            {key.name !== null && (
              <Text size="sm">
                <Code>{key.key_masked}</Code>
              </Text>
            )}
            {key.organization_id !== null && (
              <Text size="xs">{nameOf(key.organization_id) ?? key.organization_id}</Text>
            )}
          </Table.Td>
          <Table.Td>{kinds[key.kind]}</Table.Td>
          <Table.Td>{number(key.requests)}</Table.Td>
          <Table.Td>{number(key.refused)}</Table.Td>
        </Table.Tr>
      ))}
    </PanelTable>
  );
}

function viewOf({ kind, id }: Key): string {
  return `${kind === 'user' ? '/hidden-keys' : '/api-keys'}?key=${encodeURIComponent(id)}`;
}

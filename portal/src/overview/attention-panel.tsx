import { Anchor, Code, Group, Table, Text } from '@mantine/core';
import { Link } from 'react-router';
import type { Attention } from '../api-keys/attention.ts';
import { Time } from '../parts/time.tsx';
import { useNames } from '../parts/use-names.ts';
import { Panel } from './panel.tsx';
import { PanelTable } from './panel-table.tsx';
import { type Keys, useKeysWanting } from './use-overview.ts';

type Key = Keys['data'][number];

const shownMax = 5;

const texts: Record<
  Attention,
  { title: string; column: string; none: string; some: (count: string) => string }
> = {
  expiring: {
    title: 'About to expire',
    column: 'Expires',
    none: 'No key expires within 7 days.',
    some: (count) => `${count} to expire within 7 days. Rotate them, or let them end.`,
  },
  unused: {
    title: 'Never used or stale',
    column: 'Last used',
    none: 'Every active key older than 30 days was used in the last 30.',
    some: (count) => `${count} not used for 30 days or ever. Revoke those that are not needed.`,
  },
};

export function AttentionPanel({ attention }: { attention: Attention }) {
  const keys = useKeysWanting(attention);
  const nameOf = useNames(inOrder(attention, keys.data?.data ?? []).map((key) => key.organization_id));
  const { title, column, none, some } = texts[attention];
  return (
    <Panel title={title} query={keys} height={230}>
      {({ data, next_cursor }) => {
        const isMore = next_cursor !== null;
        if (data.length === 0 && !isMore) return <Text>{none}</Text>;
        return (
          <>
            <Group justify="space-between">
              <Text size="sm">
                {data.length === 0 ? 'None among the newest keys.' : some(count(data.length, isMore))}
              </Text>
              <Anchor component={Link} to={`/api-keys?attention=${attention}`} size="sm">
                Show them in API Keys
              </Anchor>
            </Group>
            {data.length > 0 && (
              <PanelTable label={title} columns={['Name', 'Key', column]} minWidth={380}>
                {inOrder(attention, data).map((key) => (
                  <Row key={key.id} apiKey={key} attention={attention} nameOf={nameOf} />
                ))}
              </PanelTable>
            )}
          </>
        );
      }}
    </Panel>
  );
}

function count(keys: number, isMore: boolean): string {
  if (isMore) return `${keys} keys or more`;
  return keys === 1 ? '1 key' : `${keys} keys`;
}

type RowProps = { apiKey: Key; attention: Attention; nameOf: (id: string) => string | undefined };

function Row({ apiKey, attention, nameOf }: RowProps) {
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} to={`/api-keys?attention=${attention}&key=${apiKey.id}`}>
          {apiKey.name}
        </Anchor>
        {apiKey.organization_id !== null && (
          <Text size="xs">{nameOf(apiKey.organization_id) ?? apiKey.organization_id}</Text>
        )}
      </Table.Td>
      <Table.Td>
        <Code>{apiKey.key_masked}</Code>
      </Table.Td>
      <Table.Td>
        <Time at={attention === 'expiring' ? apiKey.expires_at : apiKey.last_used_at} none="Never" />
      </Table.Td>
    </Table.Tr>
  );
}

/** Soonest expiry first; never used first, then by oldest use. */
function inOrder(attention: Attention, keys: readonly Key[]): Key[] {
  const timeOf = (key: Key) => (attention === 'expiring' ? key.expires_at : key.last_used_at) ?? '';
  return [...keys].sort((one, other) => timeOf(one).localeCompare(timeOf(other))).slice(0, shownMax);
}

import { Badge, Group, Table } from '@mantine/core';
import type { ReactNode } from 'react';

export type Fact = [label: string, value: ReactNode];

/** List of labels and values of one thing. */
export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <Table variant="vertical" layout="fixed">
      <Table.Tbody>
        {facts.map(([label, value]) => (
          <Table.Tr key={label}>
            <Table.Th w={140} scope="row">
              {label}
            </Table.Th>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

export function Names({ names }: { names: readonly string[] }) {
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

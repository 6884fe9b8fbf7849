import { Table, Text, UnstyledButton } from '@mantine/core';

export type Sorting = { by: string; isDescending: boolean };

type Props = { column: string; label: string; sorting: Sorting; onSort: (sorting: Sorting) => void };

/** Sortable column header. */
export function SortHeader({ column, label, sorting, onSort }: Props) {
  const isSorted = sorting.by === column;
  const direction = sorting.isDescending ? 'descending' : 'ascending';
  const next = { by: column, isDescending: isSorted && !sorting.isDescending };
  return (
    <Table.Th aria-sort={isSorted ? direction : 'none'}>
      <UnstyledButton onClick={() => onSort(next)}>
        <Text span fw={700} size="sm" style={{ whiteSpace: 'nowrap' }}>
          {label} <span aria-hidden>{isSorted ? (sorting.isDescending ? '↓' : '↑') : '↕'}</span>
        </Text>
      </UnstyledButton>
    </Table.Th>
  );
}

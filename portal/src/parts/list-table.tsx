import { type MantineSpacing, Table, Text } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';
import { SkeletonRows } from './skeleton-rows.tsx';

type Props<T> = {
  label: string;
  /** In px; a narrower window scrolls the table. */
  minWidth: number;
  /** A title, or a header element with a key. */
  columns: readonly (string | ReactElement)[];
  /** Undefined while loading. */
  items: readonly T[] | undefined;
  /** Text below an empty table: why, and what to do. */
  empty?: ReactNode;
  spacing?: MantineSpacing;
  /** Row of an item, with its key. */
  children: (item: T) => ReactElement;
};

export function ListTable<T>({ label, minWidth, columns, items, empty, spacing = 'sm', children }: Props<T>) {
  return (
    <>
      <Table.ScrollContainer minWidth={minWidth} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
        <Table verticalSpacing={spacing} highlightOnHover aria-label={label} aria-busy={items === undefined}>
          <Table.Thead>
            <Table.Tr>
              {columns.map((column) =>
                typeof column === 'string' ? <Table.Th key={column}>{column}</Table.Th> : column,
              )}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {items === undefined ? <SkeletonRows columns={columns.length} /> : items.map(children)}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {/* Beside what scrolls: on a phone it would be cut. */}
      {items?.length === 0 && <Text p="md">{empty}</Text>}
    </>
  );
}

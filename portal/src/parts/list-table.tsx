import { type MantineSpacing, Table, Text } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { type ReactElement, type ReactNode, useLayoutEffect, useRef } from 'react';
import { narrowWindow } from './narrow-window.ts';
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

/** Table of a list. In a narrow window each row is a card, its cells below each other. */
export function ListTable<T>({ label, minWidth, columns, items, empty, spacing = 'sm', children }: Props<T>) {
  const table = useRef<HTMLTableElement>(null);
  const isNarrow = useMediaQuery(narrowWindow, false, { getInitialValueInEffect: false });
  useLayoutEffect(() => labelCells(table.current));
  return (
    <>
      <Table.ScrollContainer
        minWidth={isNarrow ? 0 : minWidth}
        scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}
      >
        <Table
          ref={table}
          className="list-table"
          verticalSpacing={spacing}
          highlightOnHover
          aria-label={label}
          aria-busy={items === undefined}
        >
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

/** Tells each cell the title of its column, which portal.css shows in a card. */
function labelCells(table: HTMLTableElement | null): void {
  const titles = [...(table?.tHead?.rows[0]?.cells ?? [])].map((cell) =>
    (cell.textContent ?? '').replace(/ [↑↓↕]$/, ''),
  );
  for (const row of table?.tBodies[0]?.rows ?? []) {
    for (const [index, cell] of [...row.cells].entries()) cell.dataset.label = titles[index] ?? '';
  }
}

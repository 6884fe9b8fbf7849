import { Skeleton, Table } from '@mantine/core';

/** Placeholder rows of the final height, so that the page does not jump. */
export function SkeletonRows({ columns }: { columns: number }) {
  const cells = Array.from({ length: columns }, (_, column) => column);
  return [0, 1, 2].map((row) => (
    <Table.Tr key={row} aria-hidden>
      {cells.map((column) => (
        <Table.Td key={column}>
          <Skeleton h={26} />
        </Table.Td>
      ))}
    </Table.Tr>
  ));
}

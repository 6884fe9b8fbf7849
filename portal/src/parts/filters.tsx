import { Button, Collapse, Group, Stack } from '@mantine/core';
import { useDisclosure, useMediaQuery } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { narrowWindow } from './narrow-window.ts';

type Props = {
  /** Stays in sight. */
  search?: ReactNode;
  /** How many of the other filters are set. */
  set: number;
  children: ReactNode;
};

/** Filters of a list in a row. In a narrow window a button opens those beside the search. */
export function Filters({ search, set, children }: Props) {
  const isNarrow = useMediaQuery(narrowWindow, false, { getInitialValueInEffect: false });
  const [isOpen, { toggle }] = useDisclosure(false);
  if (!isNarrow) {
    return (
      <Group align="end" component="search">
        {search}
        {children}
      </Group>
    );
  }
  return (
    <Stack component="search" gap="sm">
      {search}
      <Button variant="default" aria-expanded={isOpen} onClick={toggle}>
        {set === 0 ? 'Filters' : `Filters (${set})`}
      </Button>
      <Collapse expanded={isOpen}>
        <Stack gap="sm">{children}</Stack>
      </Collapse>
    </Stack>
  );
}

/** Number of filters that are set. */
export function countSet(values: readonly string[]): number {
  return values.filter((value) => value !== '').length;
}

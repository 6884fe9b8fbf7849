import { Card, Group, Skeleton, Stack, Title } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { FaultAlert } from '../parts/fault-alert.tsx';

type Props<Data> = {
  title: string;
  query: UseQueryResult<Data>;
  /** Of what comes, so that the page does not jump then. */
  height: number;
  aside?: ReactNode;
  children: (data: Data) => ReactNode;
};

/**
 * One answer on the page. Where it fails, the others stay; what was seen before stays, too, below
 * what went wrong.
 */
export function Panel<Data>({ title, query, height, aside, children }: Props<Data>) {
  return (
    <Card withBorder component="section" aria-label={title} aria-busy={query.isPending}>
      <Stack gap="sm">
        <Group justify="space-between">
          <Title order={2} size="h4">
            {title}
          </Title>
          {aside}
        </Group>
        {query.isError && <FaultAlert error={query.error} retry={() => void query.refetch()} />}
        {query.isPending && <Skeleton h={height} />}
        {query.data !== undefined && children(query.data)}
      </Stack>
    </Card>
  );
}

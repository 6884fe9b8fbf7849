import { Card, Group, Skeleton, Stack, Title } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { FaultAlert } from '../parts/fault-alert.tsx';

type Props<Data> = {
  title: string;
  query: UseQueryResult<Data>;
  /** Height of the content, so that the page does not jump. */
  height: number;
  aside?: ReactNode;
  children: (data: Data) => ReactNode;
};

/** Panel for one query. An error in one leaves the others; the last data stays below the error. */
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

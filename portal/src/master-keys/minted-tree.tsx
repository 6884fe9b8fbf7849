import { Anchor, Stack, Table, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'react-router';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { ListTable } from '../parts/list-table.tsx';
import { Named } from '../parts/named.tsx';
import { number } from '../parts/number.ts';
import { Pager } from '../parts/pager.tsx';
import { useNames } from '../parts/use-names.ts';
import { useMintedOrganizations } from './use-master-keys.ts';

const columns = ['Organization', 'Living keys', 'All keys'];

/** Organizations for which a master key has minted; each leads to its keys there. */
export function MintedTree({ id }: { id: string }) {
  const [cursor, setCursor] = useState('');
  const page = useMintedOrganizations(id, cursor);
  const nameOf = useNames((page.data?.items ?? []).map(({ organization_id }) => organization_id));
  return (
    <Stack mt="lg" gap="xs">
      <Title order={2} size="h4">
        Minted for
      </Title>
      {page.isError && <FaultAlert error={page.error} retry={() => void page.refetch()} />}
      {page.data?.items.length === 0 && <Text size="sm">It has minted no key yet.</Text>}
      {page.data !== undefined && page.data.items.length > 0 && (
        <ListTable
          label="Organizations it has minted for"
          minWidth={420}
          columns={columns}
          items={page.data.items}
          spacing="xs"
        >
          {({ organization_id: organization, living_count: living, total_count: total }) => (
            <Table.Tr key={organization}>
              <Table.Td>
                <Anchor component={Link} to={keysPath(id, organization)}>
                  <Named id={organization} name={nameOf(organization)} />
                </Anchor>
              </Table.Td>
              <Table.Td>{number(living)}</Table.Td>
              <Table.Td>{number(total)}</Table.Td>
            </Table.Tr>
          )}
        </ListTable>
      )}
      <Pager cursor={cursor} next={page.data?.next} onTurn={setCursor} />
    </Stack>
  );
}

function keysPath(minted_by: string, organization_id: string): string {
  return `/hidden-keys?${new URLSearchParams({ minted_by, organization_id })}`;
}

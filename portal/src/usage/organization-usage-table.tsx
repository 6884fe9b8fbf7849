import { Anchor, Table, Text } from '@mantine/core';
import { Link } from 'react-router';
import { ListTable } from '../parts/list-table.tsx';
import { Named } from '../parts/named.tsx';
import { number } from '../parts/number.ts';
import type { Usage } from './use-usage.ts';

/** Most tenants in one answer. */
const shownMax = 100;

const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 });

/** The most used tenants first. */
export function TenantUsageTable({ usage: { tenants, all } }: { usage: Usage }) {
  const total = all.reduce((sum, { requests }) => sum + requests, 0);
  return (
    <>
      <ListTable
        label="Usage by tenant"
        minWidth={520}
        columns={['Tenant', 'Calls', 'Share', 'Refusals']}
        items={tenants}
        empty="No key of a tenant was used in this time."
      >
        {({ id, name, requests, refused }) => (
          <Table.Tr key={id}>
            <Table.Td>
              <Anchor component={Link} to={`/usage?${new URLSearchParams({ organization_id: id })}`}>
                <Named id={id} name={name} />
              </Anchor>
            </Table.Td>
            <Table.Td>{number(requests)}</Table.Td>
            <Table.Td>{total === 0 ? '—' : percent.format(requests / total)}</Table.Td>
            <Table.Td>{number(refused)}</Table.Td>
          </Table.Tr>
        )}
      </ListTable>
      {tenants.length === shownMax && (
        <Text size="sm">The {shownMax} tenants with the most calls. The chart counts all of them.</Text>
      )}
    </>
  );
}

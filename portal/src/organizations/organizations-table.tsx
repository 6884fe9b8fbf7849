import { Anchor, Button, Code, Group, Table } from '@mantine/core';
import { ListTable } from '../parts/list-table.tsx';
import { Time } from '../parts/time.tsx';
import type { TenantAction } from './change-organization.tsx';
import { TenantStatusBadge } from './organization-status-badge.tsx';
import type { Tenant } from './use-organizations.ts';

export type RowAction = TenantAction | 'details' | 'rename' | 'enter';

type Props = {
  /** Undefined while loading. */
  tenants: Tenant[] | undefined;
  /** Actions on tenants that this operator is allowed. */
  allowed: readonly RowAction[];
  onAction: (action: RowAction, tenant: Tenant) => void;
};

/** Actions by status of the tenant. */
const offered: Record<Tenant['status'], readonly [action: RowAction, label: string][]> = {
  active: [
    ['enter', 'Enter'],
    ['rename', 'Rename'],
    ['suspend', 'Suspend'],
    ['delete', 'Delete'],
  ],
  suspended: [
    ['enter', 'Enter'],
    ['rename', 'Rename'],
    ['resume', 'Resume'],
    ['delete', 'Delete'],
  ],
  deleted: [],
};

export function TenantsTable({ tenants, allowed, onAction }: Props) {
  return (
    <ListTable
      label="Tenants"
      minWidth={760}
      columns={['Name', 'Id', 'Status', 'Created', 'Actions']}
      items={tenants}
      empty="No tenant here. Provision one, or let a backend mint the first key of a new organization."
    >
      {(tenant) => <TenantRow key={tenant.id} tenant={tenant} allowed={allowed} onAction={onAction} />}
    </ListTable>
  );
}

function TenantRow({ tenant, allowed, onAction }: Omit<Props, 'tenants'> & { tenant: Tenant }) {
  return (
    <Table.Tr>
      <Table.Td>
        {tenant.status === 'deleted' ? (
          tenant.name
        ) : (
          <Anchor component="button" type="button" fw={600} onClick={() => onAction('details', tenant)}>
            {tenant.name}
          </Anchor>
        )}
      </Table.Td>
      <Table.Td>
        <Code>{tenant.id}</Code>
      </Table.Td>
      <Table.Td>
        <TenantStatusBadge status={tenant.status} />
      </Table.Td>
      <Table.Td>
        <Time at={tenant.created_at} none="—" />
      </Table.Td>
      <Table.Td>
        <Group gap={4} wrap="nowrap">
          {offered[tenant.status]
            .filter(([action]) => allowed.includes(action))
            .map(([action, label]) => (
              <Button
                key={action}
                size="compact-sm"
                variant="default"
                aria-label={`${label} ${tenant.name}`}
                onClick={() => onAction(action, tenant)}
              >
                {label}
              </Button>
            ))}
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}

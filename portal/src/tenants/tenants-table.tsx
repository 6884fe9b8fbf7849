import { Anchor, Button, Code, Group, Table, Text } from '@mantine/core';
import { SkeletonRows } from '../parts/skeleton-rows.tsx';
import { Time } from '../parts/time.tsx';
import type { TenantAction } from './change-tenant.tsx';
import { TenantStatusBadge } from './tenant-status-badge.tsx';
import type { Tenant } from './use-tenants.ts';

export type RowAction = TenantAction | 'details' | 'rename' | 'enter';

type Props = {
  /** Undefined while they are on their way. */
  tenants: Tenant[] | undefined;
  /** What this operator may do to tenants at all. */
  allowed: readonly RowAction[];
  onAction: (action: RowAction, tenant: Tenant) => void;
};

/** What may be done to a tenant that is in this state. */
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
    <>
      <Table.ScrollContainer minWidth={760} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
        <Table verticalSpacing="sm" highlightOnHover aria-label="Tenants" aria-busy={tenants === undefined}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Name</Table.Th>
              <Table.Th>Id</Table.Th>
              <Table.Th>Status</Table.Th>
              <Table.Th>Created</Table.Th>
              <Table.Th>Actions</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {tenants === undefined && <SkeletonRows columns={5} />}
            {tenants?.map((tenant) => (
              <TenantRow key={tenant.id} tenant={tenant} allowed={allowed} onAction={onAction} />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {tenants?.length === 0 && (
        <Text p="md">
          No tenant here. Provision one, or let a backend mint the first key of a new organization.
        </Text>
      )}
    </>
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

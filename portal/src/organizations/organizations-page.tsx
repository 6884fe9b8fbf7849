import { Button, Group, Select, Stack, Title } from '@mantine/core';
import { useState } from 'react';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { countSet, Filters } from '../parts/filters.tsx';
import { Pager } from '../parts/pager.tsx';
import { SearchBox } from '../parts/search-box.tsx';
import { useSearchState } from '../parts/search-state.ts';
import { useOwn } from '../sessions/me.ts';
import { ChangeTenant } from './change-organization.tsx';
import { EnterTenant } from './enter-organization.tsx';
import { TenantDetails } from './organization-details.tsx';
import { TenantForm } from './organization-form.tsx';
import { type RowAction, TenantsTable } from './organizations-table.tsx';
import { type Tenant, useTenants } from './use-organizations.ts';

type Open = { action: RowAction; tenant: Tenant } | { action: 'provision' } | null;

const enterOnly: readonly RowAction[] = ['enter'];
const changes: readonly RowAction[] = ['rename', 'suspend', 'resume', 'delete'];

const statuses = [
  { value: 'active', label: 'Active' },
  { value: 'suspended', label: 'Suspended' },
  { value: 'deleted', label: 'Deleted' },
];

export function TenantsPage() {
  const { may } = useOwn();
  const [read, write] = useSearchState();
  const [open, setOpen] = useState<Open>(null);
  const name = read('name');
  const tenants = useTenants({ name, status: read('status'), cursor: read('cursor') });
  const isManager = may('platform:tenants:manage');
  const mayEnter = may('platform:impersonate') || may('platform:impersonate:read');
  const close = () => setOpen(null);
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>Tenants</Title>
        {isManager && <Button onClick={() => setOpen({ action: 'provision' })}>Provision Tenant</Button>}
      </Group>
      <Filters
        set={countSet([read('status')])}
        search={
          <SearchBox
            label="Search"
            placeholder="Part of the name"
            value={read('name')}
            onTake={(name) => write({ name, cursor: '' })}
          />
        }
      >
        <Select
          label="Status"
          placeholder="Not deleted"
          clearable
          data={statuses}
          value={read('status') || null}
          onChange={(status) => write({ status: status ?? '', cursor: '' })}
        />
      </Filters>
      {tenants.isError && <FaultAlert error={tenants.error} retry={() => void tenants.refetch()} />}
      {!(tenants.isError && tenants.data === undefined) && (
        <TenantsTable
          tenants={tenants.data?.items}
          allowed={[...(mayEnter ? enterOnly : []), ...(isManager ? changes : [])]}
          onAction={(action, tenant) =>
            action === 'details' ? write({ tenant: tenant.id }) : setOpen({ action, tenant })
          }
        />
      )}
      <Pager cursor={read('cursor')} next={tenants.data?.next} onTurn={(cursor) => write({ cursor })} />
      {read('tenant') !== '' && <TenantDetails id={read('tenant')} onClose={() => write({ tenant: '' })} />}
      {open?.action === 'provision' && <TenantForm onClose={close} />}
      {open?.action === 'rename' && <TenantForm tenant={open.tenant} onClose={close} />}
      {open?.action === 'enter' && <EnterTenant tenant={open.tenant} onClose={close} />}
      {(open?.action === 'suspend' || open?.action === 'resume' || open?.action === 'delete') && (
        <ChangeTenant action={open.action} tenant={open.tenant} onClose={close} />
      )}
    </Stack>
  );
}

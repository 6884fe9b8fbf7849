import { Anchor, Code, Group, Skeleton } from '@mantine/core';
import { Link } from 'react-router';
import { RecentEvents } from '../audit/recent-events.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { type Fact, Facts, Names } from '../parts/facts.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { Time } from '../parts/time.tsx';
import { useOwn } from '../sessions/me.ts';
import { TenantStatusBadge } from './organization-status-badge.tsx';
import { TenantPolicy } from './tenant-policy.tsx';
import { type ShownTenant, useTenant } from './use-organizations.ts';

export function TenantDetails({ id, onClose }: { id: string; onClose: () => void }) {
  const tenant = useTenant(id);
  return (
    <Dialog onClose={onClose} title={tenant.data?.name ?? 'Tenant'} size="xl">
      {tenant.isError && <FaultAlert error={tenant.error} />}
      {tenant.isPending && <Skeleton h={240} />}
      {tenant.data !== undefined && <Facts facts={factsOf(tenant.data)} />}
      <TenantPolicy id={id} />
      <RecentEvents targetId={id} />
    </Dialog>
  );
}

function factsOf(tenant: ShownTenant): Fact[] {
  const { tenant_keys, active_tenant_keys } = tenant.counts;
  return [
    ['Id', <Code key="id">{tenant.id}</Code>],
    ['Status', <TenantStatusBadge key="status" status={tenant.status} />],
    ['Created', <Time key="created" at={tenant.created_at} none="—" />],
    ['Its own keys', `${counted(tenant_keys)}, of which ${counted(active_tenant_keys)} active`],
    ['Hidden keys', <HiddenKeys key="hidden" tenant={tenant} />],
    ['Environments', <Environments key="environments" tenant={tenant} />],
  ];
}

/** Maximum of the server's counts. */
const countedMax = 10_000;

function counted(count: number): string {
  return `${count.toLocaleString()}${count === countedMax ? ' or more' : ''}`;
}

function HiddenKeys({ tenant: { id, counts } }: { tenant: ShownTenant }) {
  const { may } = useOwn();
  if (!may('platform:hidden_keys:read')) return counted(counts.hidden_keys);
  return (
    <Anchor component={Link} to={`/hidden-keys?${new URLSearchParams({ organization_id: id })}`}>
      {counted(counts.hidden_keys)}
    </Anchor>
  );
}

function Environments({ tenant: { id, counts, environments } }: { tenant: ShownTenant }) {
  const { may } = useOwn();
  const mayEnter = may('platform:impersonate') || may('platform:impersonate:read');
  return (
    <Group gap="xs">
      <Names names={environments} />
      {counts.environments > environments.length && `of ${counted(counts.environments)}`}
      {mayEnter && (
        <Anchor component={Link} to={`/environments?${new URLSearchParams({ tenant: id })}`}>
          Open
        </Anchor>
      )}
    </Group>
  );
}

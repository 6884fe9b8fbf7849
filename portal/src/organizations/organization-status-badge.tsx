import { Badge } from '@mantine/core';
import type { Tenant } from './use-organizations.ts';

const looks: Record<Tenant['status'], { label: string; color: string }> = {
  active: { label: 'Active', color: 'green' },
  suspended: { label: 'Suspended', color: 'orange' },
  deleted: { label: 'Deleted', color: 'gray' },
};

export function TenantStatusBadge({ status }: { status: Tenant['status'] }) {
  const { label, color } = looks[status];
  return (
    <Badge variant="dot" color={color}>
      {label}
    </Badge>
  );
}

import { Badge } from '@mantine/core';
import type { HiddenKeyStatus } from '../user-keys/use-user-keys.ts';

const looks: Record<HiddenKeyStatus, { label: string; color: string }> = {
  active: { label: 'Active', color: 'green' },
  // Issued by a refresh, and active from its first accepted use.
  waiting: { label: 'Waiting', color: 'blue' },
  revoked: { label: 'Revoked', color: 'red' },
  expired: { label: 'Expired', color: 'gray' },
  // Replaced by a refresh, and still in its grace.
  superseded: { label: 'Superseded', color: 'orange' },
  // Reported as leaked: released or revoked within the hour.
  quarantined: { label: 'Quarantined', color: 'orange' },
  disabled: { label: 'Disabled', color: 'gray' },
};

export function statusLabel(status: HiddenKeyStatus): string {
  return looks[status].label;
}

export function StatusBadge({ status }: { status: HiddenKeyStatus }) {
  const { label, color } = looks[status];
  return (
    <Badge variant="dot" color={color}>
      {label}
    </Badge>
  );
}

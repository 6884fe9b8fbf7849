import { Badge, Group } from '@mantine/core';
import type { Finding } from './use-hygiene.ts';

const looks: Record<Finding, { label: string; color: string }> = {
  never_used: { label: 'Never used', color: 'orange' },
  unused: { label: 'Unused', color: 'orange' },
  expiring: { label: 'Expiring', color: 'red' },
  without_expiry: { label: 'No expiry', color: 'gray' },
  beyond_age: { label: 'Old', color: 'gray' },
  rotation_due: { label: 'Refresh due soon', color: 'orange' },
  overaged: { label: 'Refresh overdue', color: 'red' },
  // A gateway still accepts the key that this one took the place of.
  predecessor_used: { label: 'Old key in use', color: 'red' },
  scope_unasked: { label: 'Scope unasked', color: 'orange' },
};

export const findingChoices = Object.entries(looks).map(([value, { label }]) => ({ value, label }));

export function Findings({ findings }: { findings: readonly Finding[] }) {
  return (
    <Group gap="xs">
      {findings.map((finding) => (
        <Badge key={finding} variant="dot" color={looks[finding].color}>
          {looks[finding].label}
        </Badge>
      ))}
    </Group>
  );
}

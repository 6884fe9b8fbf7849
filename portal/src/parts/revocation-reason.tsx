import { Select } from '@mantine/core';
import type { HiddenKey } from '../user-keys/use-user-keys.ts';

export type RevocationReason = NonNullable<HiddenKey['revoked_reason']>;

const labels: Record<RevocationReason, string> = {
  unspecified: 'Not given',
  key_compromise: 'The key was compromised',
  superseded: 'It was replaced',
  owner_left: 'Its owner left',
  privilege_withdrawn: 'The privilege was withdrawn',
  policy: 'A policy',
};

const choices = Object.entries(labels).map(([value, label]) => ({ value, label }));

export function reasonLabel(reason: RevocationReason): string {
  return labels[reason];
}

type Props = { value: RevocationReason; onChange: (reason: RevocationReason) => void };

/** Why a key ends; it stands in the audit log. */
export function ReasonSelect({ value, onChange }: Props) {
  return (
    <Select
      label="Reason"
      description="Shown with the key, and kept in the audit log"
      data={choices}
      allowDeselect={false}
      value={value}
      onChange={(reason) => onChange((reason ?? 'unspecified') as RevocationReason)}
    />
  );
}

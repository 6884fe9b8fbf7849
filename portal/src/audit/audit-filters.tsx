import { Group, Select, TextInput } from '@mantine/core';
import { TextFilter } from '../parts/text-filter.tsx';
import type { AuditFilter } from './use-audit.ts';

type Props = { filter: AuditFilter; onChange: (changes: Partial<AuditFilter>) => void };

const texts = [
  { name: 'event_type', label: 'Event', placeholder: 'key.revoked' },
  { name: 'actor', label: 'Actor', placeholder: 'puser_…' },
  { name: 'organization_id', label: 'Organization', placeholder: 'org_…' },
  { name: 'target_id', label: 'Target', placeholder: 'ak_…' },
] as const;

const days = [
  { name: 'from', label: 'From', description: 'The beginning of this day' },
  { name: 'to', label: 'To', description: 'The end of this day' },
] as const;

export function AuditFilters({ filter, onChange }: Props) {
  return (
    <Group align="end">
      {texts.map(({ name, label, placeholder }) => (
        <TextFilter
          key={name}
          label={label}
          placeholder={placeholder}
          value={filter[name]}
          onTake={(value) => onChange({ [name]: value })}
        />
      ))}
      <Select
        label="Result"
        placeholder="Any"
        clearable
        data={[
          { value: 'success', label: 'Success' },
          { value: 'refused', label: 'Refused' },
        ]}
        value={filter.result || null}
        onChange={(result) => onChange({ result: result ?? '' })}
      />
      {days.map(({ name, label, description }) => (
        <TextInput
          key={name}
          type="date"
          label={`${label} (UTC)`}
          description={description}
          value={filter[name]}
          onChange={(event) => onChange({ [name]: event.currentTarget.value })}
        />
      ))}
    </Group>
  );
}

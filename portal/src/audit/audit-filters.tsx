import { Select, TextInput } from '@mantine/core';
import { TenantPicker } from '../organizations/organization-picker.tsx';
import { countSet, Filters } from '../parts/filters.tsx';
import { SearchBox } from '../parts/search-box.tsx';
import { useOwn } from '../sessions/me.ts';
import { eventTypes } from './sentence.ts';
import type { AuditFilter } from './use-audit.ts';

type Props = { filter: AuditFilter; onChange: (changes: Partial<AuditFilter>) => void };

const ids = [
  { name: 'actor', label: 'Actor', placeholder: 'puser_…, ak_…, flm_…' },
  { name: 'target_id', label: 'Target', placeholder: 'Id of a key, a user, a tenant' },
  { name: 'request_id', label: 'Request', placeholder: 'Trace id, req_…' },
] as const;

const days = [
  { name: 'from', label: 'From', description: 'The beginning of this day' },
  { name: 'to', label: 'To', description: 'The end of this day' },
] as const;

export function AuditFilters({ filter, onChange }: Props) {
  const { inside } = useOwn();
  const { cursor: _, ...set } = filter;
  return (
    <Filters set={countSet(Object.values(set))}>
      <Select
        label="Event"
        placeholder="Any"
        clearable
        searchable
        data={eventTypes}
        value={filter.event_type || null}
        onChange={(type) => onChange({ event_type: type ?? '' })}
      />
      {ids.map(({ name, label, placeholder }) => (
        <SearchBox
          key={name}
          label={label}
          placeholder={placeholder}
          value={filter[name]}
          onTake={(value) => onChange({ [name]: value })}
        />
      ))}
      {inside === undefined && (
        <TenantPicker
          label="Organization"
          value={filter.organization_id}
          onChange={(id) => onChange({ organization_id: id })}
        />
      )}
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
    </Filters>
  );
}

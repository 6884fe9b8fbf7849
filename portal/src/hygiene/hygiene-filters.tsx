import { NumberInput, Select } from '@mantine/core';
import { TenantPicker } from '../organizations/organization-picker.tsx';
import { countSet, Filters } from '../parts/filters.tsx';
import { SearchBox } from '../parts/search-box.tsx';
import { useOwn } from '../sessions/me.ts';
import { findingChoices } from './findings.tsx';
import { type HygieneFilter, unaskedDaysUnlessSet } from './use-hygiene.ts';

type Props = { filter: HygieneFilter; onChange: (changes: Partial<HygieneFilter>) => void };

/** Times that make a key a finding, with the value that counts unless one is set. */
const days = [
  { name: 'unused_days', label: 'Unused for (days)', unlessSet: 90, max: 9_999 },
  { name: 'expiring_days', label: 'Expiring within (days)', unlessSet: 30, max: 9_999 },
  { name: 'age_days', label: 'Older than (days)', unlessSet: 365, max: 9_999 },
  { name: 'unasked_days', label: 'Scope unasked for (days)', unlessSet: unaskedDaysUnlessSet, max: 365 },
] as const;

export function HygieneFilters({ filter, onChange }: Props) {
  const { inside } = useOwn();
  const { user_id, finding, organization_id, environment } = filter;
  const daysSet = days.map(({ name }) => filter[name]);
  return (
    <Filters
      set={countSet([finding, organization_id, environment, ...daysSet])}
      search={
        <SearchBox
          label="User"
          placeholder="Id of a user"
          value={user_id}
          onTake={(value) => onChange({ user_id: value })}
        />
      }
    >
      <Select
        label="Finding"
        placeholder="Any"
        clearable
        data={findingChoices}
        value={finding || null}
        onChange={(value) => onChange({ finding: value ?? '' })}
      />
      {inside === undefined && (
        <TenantPicker
          label="Organization"
          value={organization_id}
          onChange={(value) => onChange({ organization_id: value })}
        />
      )}
      <SearchBox
        label="Environment"
        placeholder="Any"
        value={environment}
        onTake={(value) => onChange({ environment: value })}
      />
      {days.map(({ name, label, unlessSet, max }) => (
        <NumberInput
          key={name}
          label={label}
          placeholder={String(unlessSet)}
          w={180}
          min={1}
          max={max}
          clampBehavior="strict"
          allowDecimal={false}
          allowNegative={false}
          value={filter[name]}
          onChange={(value) => onChange({ [name]: String(value) })}
        />
      ))}
    </Filters>
  );
}

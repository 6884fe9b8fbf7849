import { Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { SearchBox } from '../parts/search-box.tsx';
import { useNames } from '../parts/use-names.ts';
import { useOwn } from '../sessions/me.ts';
import { useTenantChoice } from './use-organizations.ts';

type Props = {
  label: string;
  /** Id of the chosen tenant; empty for none. */
  value: string;
  onChange: (id: string) => void;
  required?: boolean;
  error?: string | undefined;
};

/** Choice of a tenant by name or id. Without the right to list tenants a field for the id. */
export function TenantPicker(props: Props) {
  const { may } = useOwn();
  const { label, value, onChange } = props;
  if (may('platform:tenants:read')) return <Picker {...props} />;
  return <SearchBox label={label} placeholder="org_…" value={value} onTake={onChange} />;
}

function Picker({ label, value, onChange, required, error }: Props) {
  const [typed, setTyped] = useState('');
  const [search] = useDebouncedValue(typed.trim(), 250);
  const nameOf = useNames([value, search]);
  const isChosen = value !== '' && typed === (nameOf(value) ?? value);
  const tenants = useTenantChoice(isChosen ? '' : search, true);
  const found = (tenants.data?.items ?? []).map(({ id, name }) => ({ value: id, label: name }));
  const byId = [value, search]
    .filter(
      (id, index, ids) => id !== '' && ids.indexOf(id) === index && !found.some((one) => one.value === id),
    )
    .filter((id) => id === value || nameOf(id) !== undefined)
    .map((id) => ({ value: id, label: nameOf(id) ?? id }));
  return (
    <Select
      label={label}
      placeholder="Any"
      searchable
      clearable
      required={required ?? false}
      error={error}
      // A search by id finds a tenant whose name is another.
      filter={({ options }) => options}
      nothingFoundMessage="No tenant has this name or id"
      data={[...byId, ...found]}
      value={value || null}
      onChange={(id) => onChange(id ?? '')}
      searchValue={typed}
      onSearchChange={setTyped}
    />
  );
}

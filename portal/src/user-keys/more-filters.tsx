import { Button, Collapse, Group, Select, Stack, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { countSet } from '../parts/filters.tsx';
import { SearchBox } from '../parts/search-box.tsx';
import type { HiddenKeyFilter } from './use-user-keys.ts';

const texts = [
  { name: 'environment', label: 'Environment', placeholder: 'Any' },
  { name: 'minted_by', label: 'Minted by', placeholder: 'Id of a master key, flm_…' },
  { name: 'scope', label: 'Scope', placeholder: 'Exactly' },
] as const;

const days = [
  { name: 'created_after', label: 'Created from', description: 'The beginning of this day' },
  { name: 'created_before', label: 'Created before', description: 'The beginning of this day' },
  { name: 'expires_before', label: 'Expires before', description: 'The beginning of this day' },
  { name: 'unused_since', label: 'Unused since', description: 'Keys that are older, and not used' },
] as const;

const uses = [
  { value: 'true', label: 'Never used' },
  { value: 'false', label: 'Used' },
];

const names = [...texts.map(({ name }) => name), ...days.map(({ name }) => name), 'never_used'] as const;

type Props = { filter: HiddenKeyFilter; onChange: (changes: Partial<HiddenKeyFilter>) => void };

/** Filters that are rarely needed, behind a button. */
export function MoreFilters({ filter, onChange }: Props) {
  const set = countSet(names.map((name) => filter[name]));
  const [isOpen, { toggle }] = useDisclosure(set > 0);
  return (
    <Stack gap="sm">
      <Group>
        <Button variant="default" size="xs" aria-expanded={isOpen} onClick={toggle}>
          {set === 0 ? 'More filters' : `More filters (${set})`}
        </Button>
      </Group>
      <Collapse expanded={isOpen}>
        <Group align="end" component="search" aria-label="More filters">
          {texts.map(({ name, label, placeholder }) => (
            <SearchBox
              key={name}
              label={label}
              placeholder={placeholder}
              value={filter[name]}
              onTake={(value) => onChange({ [name]: value })}
            />
          ))}
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
          <Select
            label="Use"
            placeholder="Any"
            clearable
            data={uses}
            value={filter.never_used || null}
            onChange={(value) => onChange({ never_used: value ?? '' })}
          />
        </Group>
      </Collapse>
    </Stack>
  );
}

import { Button, Group, Select, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { statusLabel } from '../api-keys/status-badge.tsx';
import { TenantPicker } from '../organizations/organization-picker.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { countSet, Filters } from '../parts/filters.tsx';
import { Pager } from '../parts/pager.tsx';
import { SearchBox } from '../parts/search-box.tsx';
import { useSearchState } from '../parts/search-state.ts';
import { useOwn } from '../sessions/me.ts';
import { BulkChange } from './bulk-change.tsx';
import { MoreFilters } from './more-filters.tsx';
import { RevokeAllOfUser, RevokeHiddenKey } from './revoke-user-keys.tsx';
import { toBulkFilter } from './use-bulk-order.ts';
import {
  type HiddenKey,
  type HiddenKeyFilter,
  hiddenKeyFilterNames,
  searched,
  textOf,
  useHiddenKeys,
} from './use-user-keys.ts';
import { HiddenKeyDetails } from './user-key-details.tsx';
import { HiddenKeysTable } from './user-keys-table.tsx';

const statuses = (['active', 'disabled', 'superseded', 'quarantined', 'revoked', 'expired'] as const).map(
  (value) => ({
    value,
    label: statusLabel(value),
  }),
);

/** Hidden keys of users, which no tenant sees. */
export function HiddenKeysPage() {
  const { may, inside } = useOwn();
  const [read, write] = useSearchState();
  const [revokingAllOf, setRevokingAllOf] = useState<string | null>(null);
  const [revoking, setRevoking] = useState<HiddenKey | null>(null);
  const filter = Object.fromEntries(
    hiddenKeyFilterNames.map((name) => [name, read(name)]),
  ) as HiddenKeyFilter;
  const [isBulkOpen, setIsBulkOpen] = useState(false);
  const bulkFilter = toBulkFilter(filter);
  const isManager =
    may('platform:hidden_keys:manage') && (inside === undefined || may('platform:impersonate'));
  const keys = useHiddenKeys(filter);
  const take = (name: keyof HiddenKeyFilter) => (value: string) => write({ [name]: value, cursor: '' });
  return (
    <Stack>
      <Title order={1}>Hidden Keys</Title>
      <Text>The keys that backends mint for their users. No tenant sees them.</Text>
      <Filters
        set={countSet([filter.organization_id, filter.status])}
        search={
          <SearchBox
            label="Search"
            placeholder="User, id, key or its beginning"
            value={textOf(filter)}
            onTake={(text) => write({ ...searched(text), cursor: '' })}
          />
        }
      >
        {inside === undefined && (
          <TenantPicker
            label="Organization"
            value={filter.organization_id}
            onChange={take('organization_id')}
          />
        )}
        <Select
          label="Status"
          placeholder="Any"
          clearable
          data={statuses}
          value={filter.status || null}
          onChange={(status) => take('status')(status ?? '')}
        />
      </Filters>
      <MoreFilters filter={filter} onChange={(changes) => write({ ...changes, cursor: '' })} />
      {isManager && (
        <Group>
          <Button
            variant="default"
            disabled={bulkFilter === undefined}
            aria-describedby="bulk-hint"
            onClick={() => setIsBulkOpen(true)}
          >
            Change all of them…
          </Button>
          <Text id="bulk-hint" size="sm">
            {bulkFilter === undefined
              ? 'Narrow the list first. Status, expiry and the beginning of a key do not count.'
              : 'All keys of the filter, on every page.'}
          </Text>
        </Group>
      )}
      {keys.isError && <FaultAlert error={keys.error} retry={() => void keys.refetch()} />}
      {!(keys.isError && keys.data === undefined) && (
        <HiddenKeysTable
          hiddenKeys={keys.data?.items}
          isManager={isManager}
          onDetails={(id) => write({ key: id })}
          onRevoke={setRevoking}
          onRevokeAll={setRevokingAllOf}
        />
      )}
      <Pager cursor={filter.cursor} next={keys.data?.next} onTurn={(cursor) => write({ cursor })} />
      {read('key') !== '' && <HiddenKeyDetails id={read('key')} onClose={() => write({ key: '' })} />}
      {isBulkOpen && bulkFilter !== undefined && (
        <BulkChange filter={bulkFilter} onClose={() => setIsBulkOpen(false)} />
      )}
      {revoking !== null && <RevokeHiddenKey hiddenKey={revoking} onClose={() => setRevoking(null)} />}
      {revokingAllOf !== null && (
        <RevokeAllOfUser userId={revokingAllOf} onClose={() => setRevokingAllOf(null)} />
      )}
    </Stack>
  );
}

import { Button, Group, Select, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { TenantPicker } from '../organizations/organization-picker.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { countSet, Filters } from '../parts/filters.tsx';
import { NewKey } from '../parts/new-key.tsx';
import { Pager } from '../parts/pager.tsx';
import { SearchBox } from '../parts/search-box.tsx';
import { useSearchState } from '../parts/search-state.ts';
import { useOwn } from '../sessions/me.ts';
import { ApiKeysTable } from './api-keys-table.tsx';
import { attentions } from './attention.ts';
import { CreateKey } from './create-key.tsx';
import { type Ending, EndKey } from './end-key.tsx';
import { KeyDetails } from './key-details.tsx';
import { MetricCards } from './metric-cards.tsx';
import { type ApiKey, useApiKeys } from './use-api-keys.ts';

export type Secret = { name: string; secret: string };
export type KeyAction = Ending | 'details';

export function ApiKeysPage() {
  const { may, inside } = useOwn();
  const [read, write] = useSearchState();
  const [isCreating, setIsCreating] = useState(false);
  const [ending, setEnding] = useState<{ action: Ending; apiKey: ApiKey } | null>(null);
  /** Held here only, until the dialog is closed. */
  const [secret, setSecret] = useState<Secret | null>(null);
  const filter = {
    name: read('name'),
    status: read('status'),
    kind: read('kind'),
    organization_id: read('organization_id'),
    attention: read('attention'),
    cursor: read('cursor'),
  };
  const page = useApiKeys(filter);
  const setFilter = (changes: Record<string, string>) => write({ ...changes, cursor: '' });
  const isManager = may(inside === undefined ? 'platform:keys:manage' : 'platform:impersonate');
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>API Keys</Title>
        {isManager && <Button onClick={() => setIsCreating(true)}>Create API Key</Button>}
      </Group>
      {inside === undefined && (
        <>
          <MetricCards />
          <Text size="sm">
            The cards count all tenant and platform keys, whatever is filtered below. The calls of today are
            those of every key, Hidden Keys included.
          </Text>
        </>
      )}
      <Filters
        set={countSet([filter.status, filter.attention, filter.kind, filter.organization_id])}
        search={
          <SearchBox
            label="Search"
            placeholder="Name, id, key or its end"
            value={filter.name}
            onTake={(name) => setFilter({ name })}
          />
        }
      >
        <Select
          label="Status"
          w={180}
          placeholder="Any"
          clearable
          data={statuses}
          value={read('status') || null}
          onChange={(status) => setFilter({ status: status ?? '' })}
        />
        <Select
          label="Use and expiry"
          w={180}
          placeholder="Any"
          clearable
          data={wanting}
          value={read('attention') || null}
          onChange={(attention) => setFilter({ attention: attention ?? '' })}
        />
        {inside === undefined && (
          <>
            <Select
              label="Kind"
              w={180}
              placeholder="Any"
              clearable
              data={kinds}
              value={read('kind') || null}
              onChange={(kind) => setFilter({ kind: kind ?? '' })}
            />
            <TenantPicker
              label="Tenant"
              value={filter.organization_id}
              onChange={(organizationId) => setFilter({ organization_id: organizationId })}
            />
          </>
        )}
      </Filters>
      {page.isError && <FaultAlert error={page.error} retry={() => void page.refetch()} />}
      {!(page.isError && page.data === undefined) && (
        <ApiKeysTable
          apiKeys={page.data?.data}
          isFiltered={Object.values(filter).some((value) => value !== '')}
          withTenant={inside === undefined}
          isManager={isManager}
          onAction={(action, apiKey) =>
            action === 'details' ? write({ key: apiKey.id }) : setEnding({ action, apiKey })
          }
        />
      )}
      <Pager
        cursor={filter.cursor}
        next={page.data?.next_cursor ?? undefined}
        onTurn={(cursor) => write({ cursor })}
      />
      {read('key') !== '' && <KeyDetails id={read('key')} onClose={() => write({ key: '' })} />}
      {isCreating && <CreateKey onSecret={setSecret} onClose={() => setIsCreating(false)} />}
      {ending !== null && <EndKey {...ending} onSecret={setSecret} onClose={() => setEnding(null)} />}
      {secret !== null && <NewKey {...secret} onClose={() => setSecret(null)} />}
    </Stack>
  );
}

const statuses = [
  { value: 'active', label: 'Active' },
  { value: 'revoked', label: 'Revoked' },
  { value: 'expired', label: 'Expired' },
];

const wanting = Object.entries(attentions).map(([value, label]) => ({ value, label }));

const kinds = [
  { value: 'platform', label: 'Platform keys' },
  { value: 'tenant', label: 'Tenant keys' },
];

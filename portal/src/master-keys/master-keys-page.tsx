import { Button, Group, Select, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import type { Secret } from '../api-keys/api-keys-page.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { countSet, Filters } from '../parts/filters.tsx';
import { NewKey } from '../parts/new-key.tsx';
import { Pager } from '../parts/pager.tsx';
import { SearchBox } from '../parts/search-box.tsx';
import { useSearchState } from '../parts/search-state.ts';
import { useOwn } from '../sessions/me.ts';
import { ChangeBounds } from './change-bounds.tsx';
import { CreateMasterKey } from './create-master-key.tsx';
import { MasterKeyDetails } from './master-key-details.tsx';
import { MasterKeysTable } from './master-keys-table.tsx';
import { RevokeMasterKey } from './revoke-master-key.tsx';
import { RotateMasterKey } from './rotate-master-key.tsx';
import { type MasterKey, useMasterKeys } from './use-master-keys.ts';

export type MasterKeyAction = 'details' | 'bounds' | 'rotate' | 'revoke';

type Open = { action: 'bounds' | 'rotate' | 'revoke'; masterKey: MasterKey } | { action: 'create' } | null;

const statuses = [
  { value: 'active', label: 'Active' },
  { value: 'revoked', label: 'Revoked' },
  { value: 'expired', label: 'Expired' },
];

/** Master keys of backends and gateways; super-admins only. */
export function MasterKeysPage() {
  const { may } = useOwn();
  const [read, write] = useSearchState();
  const [open, setOpen] = useState<Open>(null);
  /** Held here only, until the dialog is closed. */
  const [secret, setSecret] = useState<Secret | null>(null);
  const name = read('name');
  const filter = { name, status: read('status'), cursor: read('cursor') };
  const page = useMasterKeys(filter);
  const close = () => setOpen(null);
  const act = (action: MasterKeyAction, masterKey: MasterKey) =>
    action === 'details' ? write({ key: masterKey.id }) : setOpen({ action, masterKey });
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>Master Keys</Title>
        {may('super-admin') && (
          <Button onClick={() => setOpen({ action: 'create' })}>Create Master Key</Button>
        )}
      </Group>
      <Text>Credentials of backends and gateways. A holder acts for every user that the key allows.</Text>
      <Filters
        set={countSet([read('status')])}
        search={
          <SearchBox
            label="Search"
            placeholder="Part of the name"
            value={read('name')}
            onTake={(name) => write({ name, cursor: '' })}
          />
        }
      >
        <Select
          label="Status"
          placeholder="Any"
          clearable
          data={statuses}
          value={read('status') || null}
          onChange={(status) => write({ status: status ?? '', cursor: '' })}
        />
      </Filters>
      {page.isError && <FaultAlert error={page.error} retry={() => void page.refetch()} />}
      {!(page.isError && page.data === undefined) && (
        <MasterKeysTable
          masterKeys={page.data?.items}
          isFiltered={[name, filter.status, filter.cursor].some((value) => value !== '')}
          onAction={act}
        />
      )}
      <Pager cursor={filter.cursor} next={page.data?.next} onTurn={(cursor) => write({ cursor })} />
      {read('key') !== '' && <MasterKeyDetails id={read('key')} onClose={() => write({ key: '' })} />}
      {open?.action === 'create' && <CreateMasterKey onSecret={setSecret} onClose={close} />}
      {open?.action === 'bounds' && <ChangeBounds masterKey={open.masterKey} onClose={close} />}
      {open?.action === 'rotate' && (
        <RotateMasterKey masterKey={open.masterKey} onSecret={setSecret} onClose={close} />
      )}
      {open?.action === 'revoke' && <RevokeMasterKey masterKey={open.masterKey} onClose={close} />}
      {secret !== null && <NewKey {...secret} onClose={() => setSecret(null)} />}
    </Stack>
  );
}

import { Button, Group, Stack, Title } from '@mantine/core';
import { useState } from 'react';
import type { User } from '../api/client.ts';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { Pager } from '../parts/pager.tsx';
import { SearchBox } from '../parts/search-box.tsx';
import { useSearchState } from '../parts/search-state.ts';
import { useOwn } from '../sessions/me.ts';
import { DeleteUser } from './delete-platform-user.tsx';
import { UserForm } from './platform-user-form.tsx';
import { type UserAction, UsersTable } from './platform-users-table.tsx';
import { ResetPassword } from './reset-password.tsx';
import { ResetSecondFactors } from './reset-second-factors.tsx';
import { type UserSort, useRoles, useUsers } from './use-platform-users.ts';

type Open = { action: UserAction; user: User } | { action: 'create' } | null;

export function UsersPage() {
  const { may } = useOwn();
  const [read, write] = useSearchState();
  const search = read('search');
  const sorting = { by: read('sort') || 'email', isDescending: read('order') === 'desc' };
  const users = useUsers({
    search,
    sort: sorting.by as UserSort,
    isDescending: sorting.isDescending,
    cursor: read('cursor'),
  });
  const roles = useRoles(may('platform:roles:read'));
  const [open, setOpen] = useState<Open>(null);
  const close = () => setOpen(null);
  const fault = users.error ?? roles.error;
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>Users</Title>
        {may('super-admin') && <Button onClick={() => setOpen({ action: 'create' })}>Create User</Button>}
      </Group>
      <Group>
        <SearchBox
          label="Search"
          placeholder="Email or display name"
          value={search}
          onTake={(search) => write({ search, cursor: '' })}
        />
      </Group>
      {fault !== null && <FaultAlert error={fault} retry={() => void users.refetch()} />}
      {!(users.isError && users.data === undefined) && (
        <UsersTable
          users={users.data?.items}
          roles={roles.data ?? []}
          search={search}
          sorting={sorting}
          onSort={({ by, isDescending }) =>
            write({ sort: by, order: isDescending ? 'desc' : '', cursor: '' })
          }
          onAction={(action, user) => setOpen({ action, user })}
        />
      )}
      <Pager cursor={read('cursor')} next={users.data?.next} onTurn={(cursor) => write({ cursor })} />
      {open?.action === 'create' && <UserForm onClose={close} />}
      {open?.action === 'edit' && <UserForm user={open.user} onClose={close} />}
      {open?.action === 'reset' && <ResetPassword user={open.user} onClose={close} />}
      {open?.action === 'reset factors' && <ResetSecondFactors user={open.user} onClose={close} />}
      {open?.action === 'delete' && <DeleteUser user={open.user} onClose={close} />}
    </Stack>
  );
}

import { Button, Group, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import type { Role } from '../api/client.ts';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { useRoles } from '../platform-users/use-platform-users.ts';
import { useOwn } from '../sessions/me.ts';
import { DeleteRole } from './delete-role.tsx';
import { RoleForm } from './role-form.tsx';
import { type RoleAction, RolesTable } from './roles-table.tsx';

type Open = { action: RoleAction; role: Role } | { action: 'create' } | null;

export function RolesPage() {
  const { may } = useOwn();
  const roles = useRoles();
  const [open, setOpen] = useState<Open>(null);
  const isManager = may('platform:roles:manage');
  const close = () => setOpen(null);
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>Roles</Title>
        {isManager && <Button onClick={() => setOpen({ action: 'create' })}>Create Role</Button>}
      </Group>
      <Text>
        What operators may read and manage. Users and platform keys get roles; the built-in ones stay as they
        are.
      </Text>
      {roles.isError && <FaultAlert error={roles.error} retry={() => void roles.refetch()} />}
      {!(roles.isError && roles.data === undefined) && (
        <RolesTable roles={roles.data} onAction={(action, role) => setOpen({ action, role })} />
      )}
      {open?.action === 'create' && <RoleForm onClose={close} />}
      {open?.action === 'edit' && <RoleForm role={open.role} onClose={close} />}
      {open?.action === 'delete' && <DeleteRole role={open.role} onClose={close} />}
    </Stack>
  );
}

import { Text } from '@mantine/core';
import { answerTo, api, type Role } from '../api/client.ts';
import { ConfirmDialog } from '../parts/confirm-dialog.tsx';
import { useRoleChange } from './use-role-change.ts';

export function DeleteRole({ role, onClose }: { role: Role; onClose: () => void }) {
  const remove = useRoleChange(
    () => answerTo(api.DELETE('/api/v1/platform/roles/{id}', { params: { path: { id: role.id } } })),
    onClose,
  );
  return (
    <ConfirmDialog
      title={`Delete ${role.name}?`}
      verb={`Delete ${role.name}`}
      change={remove}
      onConfirm={() => remove.mutate(undefined)}
      onClose={onClose}
    >
      <Text>Works while no user and no working platform key has it. This cannot be undone.</Text>
    </ConfirmDialog>
  );
}

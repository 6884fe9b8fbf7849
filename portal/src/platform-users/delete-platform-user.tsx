import { Text } from '@mantine/core';
import { answerTo, api, type User } from '../api/client.ts';
import { ConfirmDialog } from '../parts/confirm-dialog.tsx';
import { useUserChange } from './use-platform-users.ts';

type Props = { user: User; onClose: () => void };

export function DeleteUser({ user, onClose }: Props) {
  const remove = useUserChange(
    () => answerTo(api.DELETE('/api/v1/platform/users/{id}', { params: { path: { id: user.id } } })),
    onClose,
  );
  return (
    <ConfirmDialog
      title={`Delete ${user.email}?`}
      verb={`Delete ${user.email}`}
      change={remove}
      onConfirm={() => remove.mutate(undefined)}
      onClose={onClose}
    >
      <Text>
        {user.name} can no longer log in, at once. What they did stays in the audit log. This cannot be
        undone.
      </Text>
    </ConfirmDialog>
  );
}

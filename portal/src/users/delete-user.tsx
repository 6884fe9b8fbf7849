import { Button, Group, Stack, Text } from '@mantine/core';
import { answerTo, api, type User } from '../api/client.ts';
import { Dialog } from '../parts/dialog.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { useUserChange } from './use-users.ts';

type Props = { user: User; onClose: () => void };

export function DeleteUser({ user, onClose }: Props) {
  const remove = useUserChange(
    () => answerTo(api.DELETE('/api/v1/platform/users/{id}', { params: { path: { id: user.id } } })),
    onClose,
  );
  return (
    <Dialog onClose={onClose} title={`Delete ${user.email}?`}>
      <Stack>
        <Text>
          {user.name} can no longer log in, at once. What they did stays in the audit log. This cannot be
          undone.
        </Text>
        {remove.isError && <FaultAlert error={remove.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>
            Cancel
          </Button>
          <Button color="red" loading={remove.isPending} onClick={() => remove.mutate(undefined)}>
            Delete {user.email}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}

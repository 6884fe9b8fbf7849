import { Button, Group, Stack, Text } from '@mantine/core';
import { answerTo, api, type Role } from '../api/client.ts';
import { Dialog } from '../parts/dialog.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { useRoleChange } from './use-role-change.ts';

export function DeleteRole({ role, onClose }: { role: Role; onClose: () => void }) {
  const remove = useRoleChange(
    () => answerTo(api.DELETE('/api/v1/platform/roles/{id}', { params: { path: { id: role.id } } })),
    onClose,
  );
  return (
    <Dialog onClose={onClose} title={`Delete ${role.name}?`}>
      <Stack>
        <Text>Possible while no user and no working platform key holds it. This cannot be undone.</Text>
        {remove.isError && <FaultAlert error={remove.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>
            Cancel
          </Button>
          <Button color="red" loading={remove.isPending} onClick={() => remove.mutate(undefined)}>
            Delete {role.name}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}

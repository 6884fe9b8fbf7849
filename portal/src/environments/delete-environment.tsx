import { Button, Group, Stack, Text } from '@mantine/core';
import { answerTo, api } from '../api/client.ts';
import { Dialog } from '../parts/dialog.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { type Environment, useEnvironmentChange } from './use-environments.ts';

export function DeleteEnvironment({
  environment: { id, name },
  onClose,
}: {
  environment: Environment;
  onClose: () => void;
}) {
  const remove = useEnvironmentChange(
    () => answerTo(api.DELETE('/api/v1/environments/{id}', { params: { path: { id } } })),
    onClose,
  );
  return (
    <Dialog onClose={onClose} title={`Delete ${name}?`}>
      <Stack>
        <Text>
          Possible once every key in it has ended, those of users included. A backend that mints into it again
          brings it back.
        </Text>
        {remove.isError && <FaultAlert error={remove.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>
            Cancel
          </Button>
          <Button color="red" loading={remove.isPending} onClick={() => remove.mutate(undefined)}>
            Delete {name}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}

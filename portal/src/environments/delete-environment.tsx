import { Text } from '@mantine/core';
import { answerTo, api } from '../api/client.ts';
import { ConfirmDialog } from '../parts/confirm-dialog.tsx';
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
    <ConfirmDialog
      title={`Delete ${name}?`}
      verb={`Delete ${name}`}
      change={remove}
      onConfirm={() => remove.mutate(undefined)}
      onClose={onClose}
    >
      <Text>
        Possible once every key in it has ended, those of users included. A backend that mints into it again
        brings it back.
      </Text>
    </ConfirmDialog>
  );
}

import { Button, Group, Stack, TextInput } from '@mantine/core';
import type { FormEvent } from 'react';
import { answerTo, api } from '../api/client.ts';
import { Dialog } from '../parts/dialog.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { fieldFaults } from '../parts/field-faults.ts';
import { useEnvironmentChange } from './use-environments.ts';

const fields = ['name'] as const;

export function CreateEnvironment({ onClose }: { onClose: () => void }) {
  const create = useEnvironmentChange(
    (name: string) => answerTo(api.POST('/api/v1/environments', { body: { name } })),
    onClose,
  );
  const faults = fieldFaults(create.error, fields, { ENVIRONMENT_ALREADY_EXISTS: 'name' });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    create.mutate(String(new FormData(event.currentTarget).get('name')));
  };
  return (
    <Dialog onClose={onClose} title="Create Environment">
      <form onSubmit={submit}>
        <Stack>
          {faults.rest !== undefined && <FaultAlert error={faults.rest} />}
          <TextInput
            label="Name"
            name="name"
            data-autofocus
            description="1 to 16 of a-z and 0-9. It stands in the secrets of its keys and cannot be changed"
            autoComplete="off"
            required
            error={faults.of.name}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={create.isPending}>
              Create Environment
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}

import { TextInput } from '@mantine/core';
import { answerTo, api } from '../api/client.ts';
import { fieldFaults } from '../parts/field-faults.ts';
import { FormDialog } from '../parts/form-dialog.tsx';
import { useEnvironmentChange } from './use-environments.ts';

const fields = ['name'] as const;

export function CreateEnvironment({ onClose }: { onClose: () => void }) {
  const create = useEnvironmentChange(
    (name: string) => answerTo(api.POST('/api/v1/environments', { body: { name } })),
    onClose,
  );
  const faults = fieldFaults(create.error, fields, { ENVIRONMENT_ALREADY_EXISTS: 'name' });
  const submit = (form: FormData) => {
    create.mutate(String(form.get('name')));
  };
  return (
    <FormDialog
      title="Create Environment"
      verb="Create Environment"
      isPending={create.isPending}
      fault={faults.rest}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextInput
        label="Name"
        name="name"
        data-autofocus
        description="1 to 16 of a-z and 0-9. It stands in the secrets of its keys and cannot be changed"
        autoComplete="off"
        required
        error={faults.of.name}
      />
    </FormDialog>
  );
}

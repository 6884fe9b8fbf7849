import { PasswordInput, Text } from '@mantine/core';
import { answerTo, api, type User } from '../api/client.ts';
import { fieldFaults } from '../parts/field-faults.ts';
import { FormDialog } from '../parts/form-dialog.tsx';
import { useUserChange } from './use-platform-users.ts';

type Props = { user: User; onClose: () => void };

const fields = ['password'] as const;

export function ResetPassword({ user, onClose }: Props) {
  const reset = useUserChange(
    (password: string) =>
      answerTo(
        api.POST('/api/v1/platform/users/{id}/reset-password', {
          params: { path: { id: user.id } },
          body: { password },
        }),
      ),
    onClose,
  );
  const faults = fieldFaults(reset.error, fields);
  const submit = (form: FormData) => {
    reset.mutate(String(form.get('password')));
  };
  return (
    <FormDialog
      title={`Reset the password of ${user.email}`}
      verb="Reset Password"
      isPending={reset.isPending}
      fault={faults.rest}
      onSubmit={submit}
      onClose={onClose}
    >
      <Text size="sm">Every session of {user.name} ends at once.</Text>
      <PasswordInput
        label="New password"
        name="password"
        data-autofocus
        description="At least 15 characters, of any kind."
        autoComplete="new-password"
        required
        error={faults.of.password}
      />
    </FormDialog>
  );
}

import { Button, Group, PasswordInput, Stack, Text } from '@mantine/core';
import type { FormEvent } from 'react';
import { answerTo, api, type User } from '../api/client.ts';
import { Dialog } from '../parts/dialog.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { fieldFaults } from '../parts/field-faults.ts';
import { useUserChange } from './use-users.ts';

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
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    reset.mutate(String(new FormData(event.currentTarget).get('password')));
  };
  return (
    <Dialog onClose={onClose} title={`Reset the password of ${user.email}`}>
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm">Every session of {user.name} ends at once.</Text>
          {faults.rest !== undefined && <FaultAlert error={faults.rest} />}
          <PasswordInput
            label="New password"
            name="password"
            data-autofocus
            description="At least 15 characters, of any kind."
            autoComplete="new-password"
            required
            error={faults.of.password}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={reset.isPending}>
              Reset Password
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}

import { Alert, Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { FormEvent } from 'react';
import { answerTo, api } from '../api/client.ts';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { fieldFaults } from '../parts/field-faults.ts';

const fields = ['email', 'password'] as const;

type Props = {
  /** Why the form is shown again. */
  reason: string | undefined;
  onLoggedIn: (userId: string) => void;
};

export function LogInForm({ reason, onLoggedIn }: Props) {
  const logIn = useMutation({
    mutationFn: (body: { email: string; password: string }) =>
      answerTo(api.POST('/api/v1/platform/session', { body })),
    onSuccess: ({ user }) => onLoggedIn(user.id),
  });
  const faults = fieldFaults(logIn.error, fields);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    logIn.mutate({ email: String(form.get('email')), password: String(form.get('password')) });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {reason !== undefined && <Alert color="blue" title={reason} />}
        {faults.rest !== undefined && <FaultAlert error={faults.rest} />}
        <TextInput
          label="Email"
          name="email"
          type="email"
          autoComplete="username"
          required
          error={faults.of.email}
        />
        <PasswordInput
          label="Password"
          name="password"
          autoComplete="current-password"
          required
          error={faults.of.password}
        />
        <Button type="submit" loading={logIn.isPending}>
          Log in
        </Button>
      </Stack>
    </form>
  );
}

import { Button, Card, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { answerTo, api } from '../api/client.ts';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { fieldFaults } from '../parts/field-faults.ts';
import { leaveTo } from './leave-to.ts';
import { useOwn } from './me.ts';
import { OwnSecondFactors } from './own-second-factors.tsx';
import { OwnSessions } from './own-sessions.tsx';

const fields = ['current_password', 'new_password'] as const;

export function AccountPage() {
  const { me } = useOwn();
  return (
    <Stack maw={760}>
      <Title order={1}>Account</Title>
      <Text>
        Logged in as <strong>{me.name}</strong>.
      </Text>
      <OwnSecondFactors />
      <OwnSessions />
      <Card withBorder maw={480}>
        <ChangePassword />
      </Card>
    </Stack>
  );
}

function ChangePassword() {
  const [repeated, setRepeated] = useState<string>();
  const change = useMutation({
    mutationFn: (body: { current_password: string; new_password: string }) =>
      answerTo(api.POST('/api/v1/platform/auth/change-password', { body })),
    // All sessions have ended, this one too.
    onSuccess: () => leaveTo('/login?reason=changed'),
  });
  const faults = fieldFaults(change.error, fields, { INVALID_CREDENTIALS: 'current_password' });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const wanted = String(form.get('new_password'));
    const isSame = wanted === form.get('repeated');
    setRepeated(isSame ? undefined : 'is not the same as the new password');
    if (isSame)
      change.mutate({ current_password: String(form.get('current_password')), new_password: wanted });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Title order={2} size="h3">
          Change password
        </Title>
        <Text size="sm">Afterwards you are logged out everywhere.</Text>
        {faults.rest !== undefined && <FaultAlert error={faults.rest} />}
        <PasswordInput
          label="Current password"
          name="current_password"
          autoComplete="current-password"
          required
          error={faults.of.current_password && 'is not your current password'}
        />
        <PasswordInput
          label="New password"
          name="new_password"
          autoComplete="new-password"
          required
          error={faults.of.new_password}
        />
        <PasswordInput
          label="New password again"
          name="repeated"
          autoComplete="new-password"
          required
          error={repeated}
        />
        <Button type="submit" loading={change.isPending}>
          Change password
        </Button>
      </Stack>
    </form>
  );
}

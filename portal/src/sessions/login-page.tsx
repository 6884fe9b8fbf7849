import { Alert, Button, Card, Center, PasswordInput, Stack, TextInput, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { FormEvent } from 'react';
import { Navigate, useSearchParams } from 'react-router';
import { answerTo, api } from '../api/client.ts';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { fieldFaults } from '../parts/field-faults.ts';
import { Waiting } from '../parts/waiting.tsx';
import { meKey, sessionKey } from '../query-client.ts';
import { FirstRun } from './first-run.tsx';
import { useMe } from './use-me.ts';

const fields = ['email', 'password'] as const;

/** Reasons why the login is shown again. */
const reasons: Record<string, string> = {
  ended: 'Your session has ended. Log in to go on where you were.',
  changed: 'Your password was changed. Log in with the new one.',
};

export function LoginPage() {
  const me = useMe();
  const state = useQuery({
    queryKey: sessionKey,
    queryFn: () => answerTo(api.GET('/api/v1/platform/session')),
    // Polls while there is no user: the first one is created in a terminal.
    refetchInterval: ({ state: { data } }) => (data?.bootstrapped === false ? 2_000 : false),
  });
  const [parameters] = useSearchParams();
  useDocumentTitle('Log in · Flowplate Keys');
  if (me.isPending || state.isPending) return <Waiting />;
  if (me.data) return <Navigate to={safeNext(parameters.get('next'))} replace />;
  return (
    <Center component="main" mih="100vh" p="md">
      <Card withBorder w="100%" maw={state.data?.bootstrapped === false ? 640 : 400} p="xl">
        <Stack>
          <Title order={1} size="h2">
            Flowplate Keys
          </Title>
          {state.isError && <FaultAlert error={state.error} retry={() => void state.refetch()} />}
          {state.data?.bootstrapped === false ? (
            <FirstRun />
          ) : (
            <LoginForm reason={reasons[parameters.get('reason') ?? '']} />
          )}
        </Stack>
      </Card>
    </Center>
  );
}

function LoginForm({ reason }: { reason: string | undefined }) {
  const queryClient = useQueryClient();
  const logIn = useMutation({
    mutationFn: (body: { email: string; password: string }) =>
      answerTo(api.POST('/api/v1/platform/session', { body })),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: meKey }),
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

/** Only addresses of the portal, against open redirects. */
function safeNext(next: string | null): string {
  return next !== null && /^\/[a-z]/.test(next) ? next : '/';
}

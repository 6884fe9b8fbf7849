import { Card, Center, Stack, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { useQueryClient } from '@tanstack/react-query';
import { Navigate, useSearchParams } from 'react-router';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { Waiting } from '../parts/waiting.tsx';
import { meKey } from '../query-client.ts';
import { FirstRun } from './first-run.tsx';
import { reasonText } from './login-reasons.ts';
import { useLogInState } from './use-log-in-state.ts';
import { useMe } from './use-me.ts';
import { WaysToLogIn } from './ways-to-log-in.tsx';

export function LoginPage() {
  const queryClient = useQueryClient();
  const me = useMe();
  const state = useLogInState({
    // Polls while there is no user: the first one is created in a terminal.
    refetchInterval: ({ state: { data } }) => (data?.bootstrapped === false ? 2_000 : false),
  });
  const [parameters] = useSearchParams();
  useDocumentTitle('Log in · Flowplate Keys');
  if (me.isPending || state.isPending) return <Waiting />;
  const next = safeNext(parameters.get('next'));
  if (me.data) return <Navigate to={next} replace />;
  return (
    <Center component="main" mih="100vh" p="md">
      <Card withBorder w="100%" maw={state.data?.bootstrapped === false ? 640 : 400} p="xl">
        <Stack>
          <Title order={1} size="h2">
            Flowplate Keys
          </Title>
          {state.isError && <FaultAlert error={state.error} retry={() => void state.refetch()} />}
          {state.data?.bootstrapped === false && <FirstRun />}
          {state.data?.bootstrapped === true && (
            <WaysToLogIn
              state={state.data}
              reason={reasonText(parameters.get('reason'))}
              next={next}
              onLoggedIn={() => void queryClient.invalidateQueries({ queryKey: meKey })}
            />
          )}
        </Stack>
      </Card>
    </Center>
  );
}

/** Only addresses of the portal, against open redirects. */
function safeNext(next: string | null): string {
  return next !== null && /^\/[a-z]/.test(next) ? next : '/';
}

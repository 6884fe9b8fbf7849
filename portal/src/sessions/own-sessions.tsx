import { Badge, Button, Card, Group, Stack, Table, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerTo, api, type Get } from '../api/client.ts';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { ListTable } from '../parts/list-table.tsx';
import { Time } from '../parts/time.tsx';
import { programName } from './program-name.ts';

type OwnSession = Get<'/api/v1/platform/auth/sessions'>[number];

export const ownSessionsKey = ['own-sessions'] as const;

/** Where the operator is logged in; any session but this one can be ended. */
export function OwnSessions() {
  const queryClient = useQueryClient();
  const refresh = () => void queryClient.invalidateQueries({ queryKey: ownSessionsKey });
  const sessions = useQuery({
    queryKey: ownSessionsKey,
    queryFn: () => answerTo(api.GET('/api/v1/platform/auth/sessions', { params: { query: { limit: 100 } } })),
  });
  const end = useMutation({
    mutationFn: (id: string) =>
      answerTo(api.DELETE('/api/v1/platform/auth/sessions/{id}', { params: { path: { id } } })),
    onSettled: refresh,
  });
  const endOthers = useMutation({
    mutationFn: () => answerTo(api.DELETE('/api/v1/platform/auth/sessions')),
    onSettled: refresh,
  });
  const fault = sessions.error ?? end.error ?? endOthers.error;
  const hasOthers = sessions.data?.some(({ current }) => !current) ?? false;
  return (
    <Card withBorder component="section" aria-label="Sessions">
      <Stack>
        <Group justify="space-between">
          <Title order={2} size="h3">
            Sessions
          </Title>
          {hasOthers && (
            <Button variant="default" loading={endOthers.isPending} onClick={() => endOthers.mutate()}>
              End all others
            </Button>
          )}
        </Group>
        <Text size="sm">
          Where you are logged in. Do you not know one of them? End it, and change your password.
        </Text>
        {fault !== null && <FaultAlert error={fault} />}
        <ListTable
          label="Sessions"
          minWidth={620}
          columns={['Browser or program', 'Address', 'Logged in', 'With', 'Actions']}
          items={sessions.data}
        >
          {(session) => <SessionRow key={session.id} session={session} onEnd={end.mutate} />}
        </ListTable>
      </Stack>
    </Card>
  );
}

function SessionRow({ session, onEnd }: { session: OwnSession; onEnd: (id: string) => void }) {
  const { id, user_agent, address, created_at, method, second_factor, current } = session;
  const program = programName(user_agent);
  return (
    <Table.Tr>
      <Table.Td maw={280}>
        <Text size="sm" lineClamp={2} title={user_agent ?? undefined}>
          {program}
        </Text>
      </Table.Td>
      <Table.Td>{address ?? 'Unknown'}</Table.Td>
      <Table.Td>
        <Time at={created_at} none="Unknown" />
      </Table.Td>
      <Table.Td>
        {[methods[method], second_factor && factors[second_factor]].filter(Boolean).join(', ')}
      </Table.Td>
      <Table.Td>
        {current ? (
          <Badge variant="default">This one</Badge>
        ) : (
          <Button size="compact-sm" variant="default" aria-label={`End ${program}`} onClick={() => onEnd(id)}>
            End
          </Button>
        )}
      </Table.Td>
    </Table.Tr>
  );
}

const methods: Record<OwnSession['method'], string> = {
  password: 'Password',
  oidc: 'Company login',
  device: 'Another device',
};

const factors: Record<NonNullable<OwnSession['second_factor']>, string> = {
  totp: 'authenticator app',
  passkey: 'passkey',
  recovery_code: 'recovery code',
};

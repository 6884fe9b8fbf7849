import { Alert, Button, Card, Code, Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { answerTo, api } from '../api/client.ts';
import type { paths } from '../api/schema.d.ts';
import { Facts } from '../parts/facts.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { fieldFaults } from '../parts/field-faults.ts';
import { Time } from '../parts/time.tsx';
import { useOwn } from './me.ts';
import { programName } from './program-name.ts';

const lookupPath = '/api/v1/platform/auth/device/lookup';
type Waiting = paths[typeof lookupPath]['post']['responses'][200]['content']['application/json'];

/** Approves the log-in of a command line, by the code that it shows (RFC 8628). */
export function DevicePage() {
  const [asked, setAsked] = useState<{ code: string; waiting: Waiting }>();
  const [answered, setAnswered] = useState<'approved' | 'denied'>();
  return (
    <Stack maw={560}>
      <Title order={1}>Log in a command line</Title>
      {answered !== undefined && <Answered answered={answered} />}
      {answered === undefined && asked === undefined && (
        <CodeForm onFound={(code, waiting) => setAsked({ code, waiting })} />
      )}
      {answered === undefined && asked !== undefined && (
        <Question code={asked.code} waiting={asked.waiting} onAnswered={setAnswered} />
      )}
    </Stack>
  );
}

function CodeForm({ onFound }: { onFound: (code: string, waiting: Waiting) => void }) {
  const find = useMutation({
    mutationFn: (user_code: string) => answerTo(api.POST(lookupPath, { body: { user_code } })),
    onSuccess: (waiting, code) => onFound(code, waiting),
  });
  const faults = fieldFaults(find.error, ['user_code'], { DEVICE_CODE_NOT_FOUND: 'user_code' });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    find.mutate(String(new FormData(event.currentTarget).get('user_code')));
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text>
          Type the code that your own terminal shows after <Code>flowplate platform login</Code>.
        </Text>
        <Alert color="red" title="Only a code of yours">
          Never type a code that somebody sent you, in a mail, a chat or a call. It would log them in as you.
        </Alert>
        {faults.rest !== undefined && <FaultAlert error={faults.rest} />}
        <TextInput
          label="Code"
          name="user_code"
          placeholder="BCDF-GHJK"
          autoComplete="off"
          autoCapitalize="characters"
          data-autofocus
          required
          error={faults.of.user_code}
        />
        <Button type="submit" loading={find.isPending}>
          Continue
        </Button>
      </Stack>
    </form>
  );
}

type QuestionProps = {
  code: string;
  waiting: Waiting;
  onAnswered: (answered: 'approved' | 'denied') => void;
};

function Question({ code, waiting, onAnswered }: QuestionProps) {
  const { me } = useOwn();
  const answer = useMutation({
    mutationFn: (approve: boolean) =>
      answerTo(api.POST('/api/v1/platform/auth/device/answer', { body: { user_code: code, approve } })),
    onSuccess: (_, approve) => onAnswered(approve ? 'approved' : 'denied'),
  });
  return (
    <Card withBorder>
      <Stack>
        <Title order={2} size="h3">
          Log this program in as {me.name}?
        </Title>
        <Facts
          facts={[
            ['Address', waiting.address ?? 'unknown'],
            ['Program', programName(waiting.user_agent)],
            ['Asked', <Time key="asked" at={waiting.created_at} none="unknown" />],
            ['Code', code.toUpperCase()],
          ]}
        />
        <Text size="sm">
          Approve only what you started yourself, just now, at this address. The program can then do
          everything that you can, for 24 hours.
        </Text>
        {answer.error !== null && <FaultAlert error={answer.error} />}
        <Group>
          <Button onClick={() => answer.mutate(true)} loading={answer.isPending}>
            Approve
          </Button>
          <Button variant="default" onClick={() => answer.mutate(false)} disabled={answer.isPending}>
            Deny
          </Button>
        </Group>
      </Stack>
    </Card>
  );
}

function Answered({ answered }: { answered: 'approved' | 'denied' }) {
  return answered === 'approved' ? (
    <Alert color="blue" title="Approved">
      Your terminal goes on by itself. You can close this page.
    </Alert>
  ) : (
    <Alert color="blue" title="Denied">
      The program was not logged in. If you did not start it, tell an administrator.
    </Alert>
  );
}

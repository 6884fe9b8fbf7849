import { Badge, Card, Group, Stack, Text, Title } from '@mantine/core';
import { Time } from '../parts/time.tsx';
import { useNames } from '../parts/use-names.ts';
import { lateness, lateVerifierName, lateVerifiers } from './late-verifiers.ts';
import { useQueues, useVerifiers } from './use-overview.ts';

type Sentence = { isGood: boolean; text: string; hint?: string };

/** Longer than a job takes while a worker runs. */
const lateJobSeconds = 60;

/** State of the broker in an operator's words, from the same answers as the panels below. */
export function StatePanel() {
  const verifiers = useVerifiers();
  const queues = useQueues();
  const late = lateVerifiers(verifiers.data?.data ?? []);
  const nameOf = useNames(late.map(({ master_key_id }) => master_key_id));
  const sentences = [verifiers.data && revokes(late, nameOf), queues.data && jobs(queues.data)].filter(
    (sentence) => sentence !== undefined,
  );
  const updatedAt = Math.min(verifiers.dataUpdatedAt, queues.dataUpdatedAt);
  return (
    <Card withBorder component="section" aria-label="Now">
      <Stack gap="xs">
        <Group justify="space-between">
          <Title order={2} size="h4">
            Now
          </Title>
          {updatedAt > 0 && (
            <Text size="sm" component="div">
              As of <Time at={new Date(updatedAt).toISOString()} none="" />, every 10 seconds
            </Text>
          )}
        </Group>
        {sentences.map(({ isGood, text, hint }) => (
          <div key={text} role="status">
            <Group gap="xs" wrap="nowrap" align="start">
              <Badge variant="dot" color={isGood ? 'green' : 'red'} mt={3}>
                {isGood ? 'Good' : 'Attention'}
              </Badge>
              <Text fw={600}>{text}</Text>
            </Group>
            {hint !== undefined && <Text size="sm">{hint}</Text>}
          </div>
        ))}
      </Stack>
    </Card>
  );
}

function revokes(
  late: ReturnType<typeof lateVerifiers>,
  nameOf: (id: string) => string | undefined,
): Sentence {
  if (late.length === 0) return { isGood: true, text: 'Revokes take effect at once' };
  const names = [...new Set(late.map((verifier) => lateVerifierName(verifier, nameOf)))].join(', ');
  return {
    isGood: false,
    text: `Revokes are delayed by up to ${lateness(late)} s, because ${names} does not answer`,
    hint: 'They are answered as pending until its lease ends. See to that gateway, or revoke its master key.',
  };
}

function jobs({ up, queue }: NonNullable<ReturnType<typeof useQueues>['data']>): Sentence {
  if (!up) {
    return {
      isGood: false,
      text: 'Counts and the seal of the audit log are late, because Redis does not answer',
      hint: 'Keys are verified all the same.',
    };
  }
  const due = queue?.oldest_due ?? null;
  if (due === null || due.seconds < lateJobSeconds) {
    return { isGood: true, text: 'Calls are counted, and the audit log is sealed, within seconds' };
  }
  return {
    isGood: false,
    text: `${due.job} is late by ${due.seconds} s, because no worker has taken it`,
    hint: 'Is one running? Keys are verified all the same.',
  };
}

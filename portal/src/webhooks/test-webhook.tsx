import { Alert, Code, Text } from '@mantine/core';
import { useState } from 'react';
import { answerTo, api } from '../api/client.ts';
import { ConfirmDialog } from '../parts/confirm-dialog.tsx';
import { answerText } from './delivery-answer.ts';
import { nameOf, useWebhookChange, type Webhook } from './use-webhooks.ts';

type Props = { webhook: Webhook; onClose: () => void };

type Tested = Awaited<ReturnType<typeof send>>;

export function TestWebhook({ webhook, onClose }: Props) {
  const [tested, setTested] = useState<Tested | null>(null);
  const test = useWebhookChange(() => send(webhook.id), setTested);
  return (
    <ConfirmDialog
      title={`Test ${nameOf(webhook)}`}
      verb="Send a test event"
      color="blue"
      change={test}
      onConfirm={() => test.mutate(undefined)}
      onClose={onClose}
      outcome={tested === null ? undefined : <TestOutcome tested={tested} />}
    >
      <Text style={{ overflowWrap: 'anywhere' }}>{webhook.url}</Text>
      <Text>
        The event webhook.tested is sent at once, also while the webhook is disabled. The answer is shown
        here, after 10 seconds at most.
      </Text>
    </ConfirmDialog>
  );
}

function TestOutcome({ tested: { delivered, answer } }: { tested: Tested }) {
  return (
    <Alert
      {...(delivered ? { variant: 'default' } : { color: 'red' })}
      title={delivered ? 'The endpoint accepted it' : 'The endpoint did not accept it'}
      role="status"
    >
      {answerText(answer)}
      {answer.body !== null && answer.body !== '' && (
        <Code block tabIndex={0} mt="xs" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          {answer.body}
        </Code>
      )}
    </Alert>
  );
}

function send(id: string) {
  return answerTo(api.POST('/api/v1/platform/webhooks/{id}/test', { params: { path: { id } } }));
}

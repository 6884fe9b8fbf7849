import { Button, Group, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { Pager } from '../parts/pager.tsx';
import { useSearchState } from '../parts/search-state.ts';
import { ShownOnce } from '../parts/shown-once.tsx';
import { useOwn } from '../sessions/me.ts';
import { ChangeWebhook, type WebhookChange } from './change-webhook.tsx';
import { ReplayEvents } from './replay-events.tsx';
import { RotateSecret } from './rotate-secret.tsx';
import { TestWebhook } from './test-webhook.tsx';
import { useWebhooks, type Webhook } from './use-webhooks.ts';
import { WebhookDetails } from './webhook-details.tsx';
import { WebhookForm } from './webhook-form.tsx';
import { WebhooksTable } from './webhooks-table.tsx';

export type WebhookSecret = { name: string; secret: string };

export type WebhookAction = 'details' | 'edit' | 'test' | 'replay' | 'rotate' | WebhookChange;

type Open =
  | { action: Exclude<WebhookAction, 'details'>; webhook: Webhook }
  | { action: 'create' }
  | { action: 'secret'; shown: WebhookSecret }
  | null;

/** Endpoints that events are sent to. */
export function WebhooksPage() {
  const { may } = useOwn();
  const [read, write] = useSearchState();
  const [open, setOpen] = useState<Open>(null);
  const isManager = may('platform:events:manage');
  const cursor = read('cursor');
  const page = useWebhooks(cursor);
  const close = () => setOpen(null);
  const onAction = (action: WebhookAction, webhook: Webhook) =>
    action === 'details' ? write({ webhook: webhook.id }) : setOpen({ action, webhook });
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>Webhooks</Title>
        {isManager && <Button onClick={() => setOpen({ action: 'create' })}>Create Webhook</Button>}
      </Group>
      <Text>
        Events are sent to these endpoints as they happen, signed and in order. An event that fails is tried
        again for a day, and the later ones of its endpoint wait.
      </Text>
      {page.isError && <FaultAlert error={page.error} retry={() => void page.refetch()} />}
      {!(page.isError && page.data === undefined) && (
        <WebhooksTable webhooks={page.data?.items} isManager={isManager} onAction={onAction} />
      )}
      <Pager cursor={cursor} next={page.data?.next} onTurn={(cursor) => write({ cursor })} />
      {read('webhook') !== '' && (
        <WebhookDetails id={read('webhook')} isManager={isManager} onClose={() => write({ webhook: '' })} />
      )}
      <OpenDialog open={open} onSecret={(shown) => setOpen({ action: 'secret', shown })} onClose={close} />
    </Stack>
  );
}

type DialogProps = { open: Open; onSecret: (shown: WebhookSecret) => void; onClose: () => void };

function OpenDialog({ open, onSecret, onClose }: DialogProps) {
  if (open === null) return null;
  switch (open.action) {
    case 'create':
      return <WebhookForm onSecret={onSecret} onClose={onClose} />;
    case 'secret':
      return <NewSecret {...open.shown} onClose={onClose} />;
    case 'edit':
      return <WebhookForm webhook={open.webhook} onSecret={onSecret} onClose={onClose} />;
    case 'test':
      return <TestWebhook webhook={open.webhook} onClose={onClose} />;
    case 'replay':
      return <ReplayEvents webhook={open.webhook} onClose={onClose} />;
    case 'rotate':
      return <RotateSecret webhook={open.webhook} onSecret={onSecret} onClose={onClose} />;
    default:
      return <ChangeWebhook action={open.action} webhook={open.webhook} onClose={onClose} />;
  }
}

const advice = {
  title: 'Copy it now',
  text: 'The receiver verifies signatures with this secret. It is shown only this once, and cannot be retrieved later.',
};

function NewSecret({ name, secret, onClose }: WebhookSecret & { onClose: () => void }) {
  return (
    <ShownOnce
      title={`The secret of ${name}`}
      advice={advice}
      secret={secret}
      done="I have stored it"
      onClose={onClose}
    />
  );
}

import { Text } from '@mantine/core';
import { answerTo, api } from '../api/client.ts';
import { ConfirmDialog } from '../parts/confirm-dialog.tsx';
import { nameOf, useWebhookChange, type Webhook } from './use-webhooks.ts';

export type WebhookChange = 'enable' | 'disable' | 'delete';

const texts: Record<WebhookChange, { verb: string; consequence: string }> = {
  enable: {
    verb: 'Enable',
    consequence: 'It goes on with the first event that it has not got.',
  },
  disable: {
    verb: 'Disable',
    consequence: 'Events wait until it is enabled again; none is lost.',
  },
  delete: {
    verb: 'Delete',
    consequence:
      'Its secret, its deliveries and its dead letters are deleted, and no event is sent any more. The events stay in the audit log. This cannot be undone.',
  },
};

type Props = { action: WebhookChange; webhook: Webhook; onClose: () => void };

export function ChangeWebhook({ action, webhook, onClose }: Props) {
  const change = useWebhookChange(() => send(action, webhook.id), onClose);
  const { verb, consequence } = texts[action];
  const title = `${verb} ${nameOf(webhook)}`;
  return (
    <ConfirmDialog
      title={title}
      verb={title}
      color={action === 'enable' ? 'blue' : 'red'}
      change={change}
      onConfirm={() => change.mutate(undefined)}
      onClose={onClose}
    >
      <Text style={{ overflowWrap: 'anywhere' }}>{webhook.url}</Text>
      <Text>{consequence}</Text>
    </ConfirmDialog>
  );
}

function send(action: WebhookChange, id: string): Promise<unknown> {
  const params = { path: { id } };
  if (action === 'delete') return answerTo(api.DELETE('/api/v1/platform/webhooks/{id}', { params }));
  const body = { enabled: action === 'enable' };
  return answerTo(api.PATCH('/api/v1/platform/webhooks/{id}', { params, body }));
}

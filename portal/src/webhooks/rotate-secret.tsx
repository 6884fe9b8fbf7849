import { Select, Text } from '@mantine/core';
import { useState } from 'react';
import { answerTo, api } from '../api/client.ts';
import { ConfirmDialog } from '../parts/confirm-dialog.tsx';
import { nameOf, useWebhookChange, type Webhook } from './use-webhooks.ts';
import type { WebhookSecret } from './webhooks-page.tsx';

/** In seconds. */
const overlaps = [
  { value: '0', label: 'None: it ends at once' },
  { value: '3600', label: '1 hour' },
  { value: '86400', label: '1 day' },
  { value: '604800', label: '7 days' },
];

type Props = { webhook: Webhook; onSecret: (secret: WebhookSecret) => void; onClose: () => void };

/** Both secrets sign during the overlap, so that receivers can move one by one. */
export function RotateSecret({ webhook, onSecret, onClose }: Props) {
  const [overlap, setOverlap] = useState('86400');
  const [attempt] = useState(() => crypto.randomUUID());
  const rotate = useWebhookChange(
    () => send(webhook.id, Number(overlap), attempt),
    ({ secret }) => onSecret({ name: nameOf(webhook), secret }),
  );
  return (
    <ConfirmDialog
      title={`Rotate the secret of ${nameOf(webhook)}`}
      verb="Rotate the secret"
      color="blue"
      change={rotate}
      onConfirm={() => rotate.mutate(undefined)}
      onClose={onClose}
    >
      <Text>Requests are signed by a new secret. Until the overlap ends, the old one signs them too.</Text>
      <Select
        label="Overlap"
        description="A receiver with either secret accepts the events meanwhile"
        data={overlaps}
        allowDeselect={false}
        value={overlap}
        onChange={(chosen) => setOverlap(chosen ?? '')}
      />
    </ConfirmDialog>
  );
}

function send(id: string, overlapSeconds: number, attempt: string) {
  const params = { path: { id }, header: { 'Idempotency-Key': attempt } };
  const body = { overlap_seconds: overlapSeconds };
  return answerTo(api.POST('/api/v1/platform/webhooks/{id}/rotate-secret', { params, body }));
}

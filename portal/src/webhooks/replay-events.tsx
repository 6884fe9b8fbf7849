import { Alert, SegmentedControl, Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';
import { answerTo, api } from '../api/client.ts';
import { ConfirmDialog } from '../parts/confirm-dialog.tsx';
import { number } from '../parts/number.ts';
import { nameOf, useWebhookChange, type Webhook } from './use-webhooks.ts';

type Props = { webhook: Webhook; onClose: () => void };

/** Sends events again: those of some days, or single ones by their ids. */
export function ReplayEvents({ webhook, onClose }: Props) {
  const [by, setBy] = useState('days');
  const [days, setDays] = useState({ from: '', to: '' });
  const [text, setText] = useState('');
  const [queued, setQueued] = useState<number | null>(null);
  const ids = text.split(/[\s,]+/).filter((id) => id !== '');
  const replay = useWebhookChange(
    () => sendAgain(webhook.id, by === 'days' ? days : { event_ids: ids }),
    ({ count }) => setQueued(count),
  );
  return (
    <ConfirmDialog
      title={`Send events to ${nameOf(webhook)} again`}
      verb="Send again"
      color="blue"
      isReady={by === 'days' ? days.from !== '' && days.to !== '' : ids.length > 0}
      change={replay}
      onConfirm={() => replay.mutate(undefined)}
      onClose={onClose}
      outcome={queued === null ? undefined : <Queued count={queued} />}
    >
      <SegmentedControl
        aria-label="Which events"
        data={[
          { value: 'days', label: 'Of some days' },
          { value: 'ids', label: 'By their ids' },
        ]}
        value={by}
        onChange={setBy}
      />
      {by === 'days' ? (
        (['from', 'to'] as const).map((name) => (
          <TextInput
            key={name}
            type="date"
            label={name === 'from' ? 'From (UTC)' : 'To (UTC)'}
            description={name === 'from' ? 'The beginning of this day' : 'The end of this day'}
            value={days[name]}
            onChange={(event) => setDays({ ...days, [name]: event.currentTarget.value })}
          />
        ))
      ) : (
        <Textarea
          label="Event ids"
          description="Separated by blanks, commas or lines; at most 1,000"
          placeholder="evt_…"
          autosize
          minRows={3}
          maxRows={10}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
      )}
    </ConfirmDialog>
  );
}

export function Queued({ count }: { count: number }) {
  return (
    <Alert variant="default" title={queuedTitle(count)} role="status">
      They have the ids that they had. New events do not wait for them.
    </Alert>
  );
}

function queuedTitle(count: number): string {
  if (count === 0) return 'There was no event to send';
  return count === 1 ? '1 event is sent again' : `${number(count)} events are sent again`;
}

export function sendAgain(id: string, body: { event_ids: string[] } | { from: string; to: string }) {
  return answerTo(api.POST('/api/v1/platform/webhooks/{id}/replay', { params: { path: { id } }, body }));
}

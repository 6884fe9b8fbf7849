import { Select, Text } from '@mantine/core';
import { useState } from 'react';
import { answerTo, api } from '../api/client.ts';
import type { Secret } from '../api-keys/api-keys-page.tsx';
import { ConfirmDialog } from '../parts/confirm-dialog.tsx';
import { Outcome, type Propagated } from '../parts/outcome.tsx';
import { type MasterKey, useMasterKeyChange } from './use-master-keys.ts';

/** In seconds. */
const overlaps = [
  { value: '0', label: 'None: it ends at once' },
  { value: '3600', label: '1 hour' },
  { value: '86400', label: '1 day' },
  { value: '604800', label: '7 days' },
  { value: '2592000', label: '30 days' },
];

type Props = { masterKey: MasterKey; onSecret: (secret: Secret) => void; onClose: () => void };

/** Both keys work during the overlap, so that their holders can move one by one. */
export function RotateMasterKey({ masterKey, onSecret, onClose }: Props) {
  const { id, name } = masterKey;
  const [overlap, setOverlap] = useState('86400');
  const [rotated, setRotated] = useState<Propagated | null>(null);
  const [attempt] = useState(() => crypto.randomUUID());
  const rotate = useMasterKeyChange(
    () => send(id, Number(overlap), attempt),
    ({ key, propagation, propagation_detail }) => {
      setRotated({ propagation, propagation_detail });
      onSecret({ name, secret: key });
    },
  );
  return (
    <ConfirmDialog
      title={`Rotate ${name}`}
      verb={`Rotate ${name}`}
      color="blue"
      change={rotate}
      onConfirm={() => rotate.mutate(undefined)}
      onClose={onClose}
      outcome={
        rotated === null ? undefined : (
          <Outcome title={`${name} is rotated`} complete={completeText(overlap)} propagated={rotated} />
        )
      }
    >
      <Text>A new key with the same name and rights takes its place. The old one goes on meanwhile.</Text>
      <Select
        label="Overlap"
        description="How long the old one goes on, though never past its own expiry"
        data={overlaps}
        allowDeselect={false}
        value={overlap}
        onChange={(chosen) => setOverlap(chosen ?? '')}
      />
    </ConfirmDialog>
  );
}

function completeText(overlap: string): string {
  return overlap === '0'
    ? 'Nothing anywhere accepts the old key any more.'
    : 'Everything knows when the old key ends. Move its holders before that.';
}

function send(id: string, overlapSeconds: number, attempt: string) {
  const params = { path: { id }, header: { 'Idempotency-Key': attempt } };
  const body = { overlap_seconds: overlapSeconds };
  return answerTo(api.POST('/api/v1/platform/master-keys/{id}/rotate', { params, body }));
}

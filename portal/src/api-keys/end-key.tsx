import { Text } from '@mantine/core';
import { useState } from 'react';
import { answerTo, api } from '../api/client.ts';
import { ConfirmDialog } from '../parts/confirm-dialog.tsx';
import { Outcome, type Propagated } from '../parts/outcome.tsx';
import { RecentUse } from '../parts/recent-use.tsx';
import { ReasonSelect, type RevocationReason } from '../parts/revocation-reason.tsx';
import type { Secret } from './api-keys-page.tsx';
import { type ApiKey, useKeyChange } from './use-api-keys.ts';

export type Ending = 'rotate' | 'revoke' | 'delete';

type Ended = Propagated & { key?: string };

const texts: Record<Ending, { verb: string; done: string; consequence: string }> = {
  rotate: {
    verb: 'Rotate',
    done: 'rotated',
    consequence: 'The key of today stops working at once, and you get a new one.',
  },
  revoke: {
    verb: 'Revoke',
    done: 'revoked',
    consequence: 'It can no longer authenticate requests. The row stays.',
  },
  delete: {
    verb: 'Delete',
    done: 'deleted',
    consequence: 'It can no longer authenticate requests, and its row is gone for good.',
  },
};

type Props = { action: Ending; apiKey: ApiKey; onSecret: (secret: Secret) => void; onClose: () => void };

/** Confirms by the key's name, then shows the propagation: complete, or when it will be. */
export function EndKey({ action, apiKey, onSecret, onClose }: Props) {
  const [ended, setEnded] = useState<Ended | null>(null);
  const [reason, setReason] = useState<RevocationReason>('unspecified');
  const [attempt] = useState(() => crypto.randomUUID());
  const end = useKeyChange(
    () => send(action, { id: apiKey.id, attempt, reason }),
    ({ key, ...rest }) => {
      setEnded(rest);
      if (key !== undefined) onSecret({ name: apiKey.name, secret: key });
    },
  );
  const { verb, done, consequence } = texts[action];
  return (
    <ConfirmDialog
      title={`${verb} ${apiKey.name}`}
      verb={`${verb} ${apiKey.name}`}
      change={end}
      onConfirm={() => end.mutate(undefined)}
      onClose={onClose}
      outcome={
        ended === null ? undefined : (
          <Outcome
            title={`${apiKey.name} is ${done}`}
            complete="No verifier anywhere accepts the key any more."
            propagated={ended}
          />
        )
      }
    >
      <Text>
        {apiKey.name} ({apiKey.key_masked}): {consequence}
      </Text>
      {apiKey.status === 'active' && <RecentUse at={apiKey.last_used_at} />}
      {action !== 'rotate' && <ReasonSelect value={reason} onChange={setReason} />}
    </ConfirmDialog>
  );
}

type Asked = { id: string; attempt: string; reason: RevocationReason };

function send(action: Ending, { id, attempt, reason }: Asked): Promise<Ended> {
  const path = { id };
  if (action === 'delete')
    return answerTo(api.DELETE('/api/v1/apikeys/{id}', { params: { path, query: { reason } } }));
  if (action === 'revoke')
    return answerTo(api.POST('/api/v1/apikeys/{id}/revoke', { params: { path }, body: { reason } }));
  const params = { path, header: { 'Idempotency-Key': attempt } };
  return answerTo(api.POST('/api/v1/apikeys/{id}/rotate', { params, body: {} }));
}

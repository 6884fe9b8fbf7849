import { Text } from '@mantine/core';
import { useState } from 'react';
import { answerTo, api } from '../api/client.ts';
import { ConfirmDialog } from '../parts/confirm-dialog.tsx';
import { Outcome, type Propagated } from '../parts/outcome.tsx';
import { useRevocation } from './use-user-keys.ts';

/** One key, or all keys of a user in every organization. */
export type Revoked = { name: string } & ({ keyId: string } | { userId: string });

type Ended = Propagated & { message: string };

export function RevokeHiddenKeys({ onClose, ...revoked }: Revoked & { onClose: () => void }) {
  const [ended, setEnded] = useState<Ended | null>(null);
  const revoke = useRevocation(() => send(revoked), setEnded);
  return (
    <ConfirmDialog
      title={`Revoke ${revoked.name}`}
      verb={`Revoke ${revoked.name}`}
      change={revoke}
      onConfirm={() => revoke.mutate()}
      onClose={onClose}
      outcome={
        ended === null ? undefined : (
          <Outcome
            title={ended.message}
            complete="No verifier anywhere accepts it any more."
            propagated={ended}
          />
        )
      }
    >
      <Text>No gateway lets it through any more, at once and for good. The backend can mint a new one.</Text>
    </ConfirmDialog>
  );
}

function send(revoked: Revoked): Promise<Ended> {
  if ('keyId' in revoked) {
    const params = { path: { key_id: revoked.keyId } };
    return answerTo(api.DELETE('/api/v1/platform/hidden-keys/{key_id}', { params }));
  }
  const params = { path: { user_id: revoked.userId } };
  return answerTo(api.DELETE('/api/v1/platform/hidden-keys/user/{user_id}', { params }));
}

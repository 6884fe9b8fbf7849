import { Button, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { answerTo, api } from '../api/client.ts';
import { Dialog } from '../parts/dialog.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { Outcome, type Propagated } from '../parts/outcome.tsx';
import { useRevocation } from './use-hidden-keys.ts';

/** One key, or every key of a user in every organization. */
export type Revoked = { name: string } & ({ keyId: string } | { userId: string });

type Ended = Propagated & { message: string };

export function RevokeHiddenKeys({ onClose, ...revoked }: Revoked & { onClose: () => void }) {
  const [ended, setEnded] = useState<Ended | null>(null);
  const revoke = useRevocation(() => send(revoked), setEnded);
  return (
    <Dialog onClose={onClose} title={`Revoke ${revoked.name}`}>
      <Stack>
        {ended === null ? (
          <Text>
            No gateway lets it through any more, at once and for good. The backend can mint a new one.
          </Text>
        ) : (
          <Outcome
            title={ended.message}
            complete="No verifier anywhere accepts it any more."
            propagated={ended}
          />
        )}
        {revoke.isError && <FaultAlert error={revoke.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>
            {ended === null ? 'Cancel' : 'Close'}
          </Button>
          {ended === null && (
            <Button color="red" loading={revoke.isPending} onClick={() => revoke.mutate()}>
              Revoke {revoked.name}
            </Button>
          )}
        </Group>
      </Stack>
    </Dialog>
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

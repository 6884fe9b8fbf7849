import { Button, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { answerTo, api } from '../api/client.ts';
import { Dialog } from '../parts/dialog.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { Outcome, type Propagated } from '../parts/outcome.tsx';
import { type MasterKey, useMasterKeyChange } from './use-master-keys.ts';

type Props = { masterKey: MasterKey; onClose: () => void };

/** Asks first, by the key's name, and tells what the server answered. */
export function RevokeMasterKey({ masterKey, onClose }: Props) {
  const { id, name, key_prefix: prefix } = masterKey;
  const [revoked, setRevoked] = useState<Propagated | null>(null);
  const revoke = useMasterKeyChange(
    () =>
      answerTo(api.POST('/api/v1/platform/master-keys/{id}/revoke', { params: { path: { id } }, body: {} })),
    setRevoked,
  );
  return (
    <Dialog onClose={onClose} title={`Revoke ${name}`}>
      <Stack>
        {revoked === null ? (
          <Text>
            {name} ({prefix === null ? 'a chosen secret' : `${prefix}…`}): whoever works with it is refused,
            at once and for good. The keys that it minted go on.
          </Text>
        ) : (
          <Outcome
            title={`${name} is revoked`}
            complete="Nothing anywhere accepts the key any more."
            propagated={revoked}
          />
        )}
        {revoke.isError && <FaultAlert error={revoke.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>
            {revoked === null ? 'Cancel' : 'Close'}
          </Button>
          {revoked === null && (
            <Button color="red" loading={revoke.isPending} onClick={() => revoke.mutate(undefined)}>
              Revoke {name}
            </Button>
          )}
        </Group>
      </Stack>
    </Dialog>
  );
}

import { Text } from '@mantine/core';
import { useState } from 'react';
import { answerTo, api } from '../api/client.ts';
import { ConfirmDialog } from '../parts/confirm-dialog.tsx';
import { Outcome, type Propagated } from '../parts/outcome.tsx';
import { RecentUse } from '../parts/recent-use.tsx';
import { ReasonSelect, type RevocationReason } from '../parts/revocation-reason.tsx';
import { type MasterKey, useMasterKeyChange } from './use-master-keys.ts';

type Props = { masterKey: MasterKey; onClose: () => void };

/** Confirms by the key's name, then shows the server's answer. */
export function RevokeMasterKey({ masterKey, onClose }: Props) {
  const { id, name, key_prefix: prefix } = masterKey;
  const [reason, setReason] = useState<RevocationReason>('unspecified');
  const [revoked, setRevoked] = useState<Propagated | null>(null);
  const revoke = useMasterKeyChange(
    () =>
      answerTo(
        api.POST('/api/v1/platform/master-keys/{id}/revoke', { params: { path: { id } }, body: { reason } }),
      ),
    setRevoked,
  );
  return (
    <ConfirmDialog
      title={`Revoke ${name}`}
      verb={`Revoke ${name}`}
      change={revoke}
      onConfirm={() => revoke.mutate(undefined)}
      onClose={onClose}
      outcome={
        revoked === null ? undefined : (
          <Outcome
            title={`${name} is revoked`}
            complete="Nothing anywhere accepts the key any more."
            propagated={revoked}
          />
        )
      }
    >
      <Text>
        {name} ({prefix === null ? 'a chosen secret' : `${prefix}…`}): whoever works with it is refused, at
        once and for good. The keys that it minted go on.
      </Text>
      <RecentUse at={masterKey.last_used_at} />
      <ReasonSelect value={reason} onChange={setReason} />
    </ConfirmDialog>
  );
}

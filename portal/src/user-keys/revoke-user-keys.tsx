import { Text } from '@mantine/core';
import { useState } from 'react';
import { answerTo, api } from '../api/client.ts';
import { ConfirmDialog } from '../parts/confirm-dialog.tsx';
import { Outcome, type Propagated } from '../parts/outcome.tsx';
import { RecentUse } from '../parts/recent-use.tsx';
import { ReasonSelect, type RevocationReason } from '../parts/revocation-reason.tsx';
import { KeysOfUser } from './keys-of-user.tsx';
import { type HiddenKey, useKeysOfUser, useRevocation } from './use-user-keys.ts';

type Ended = Propagated & { message: string };

/** Confirms by the beginning of the key, then shows the server's answer. */
export function RevokeHiddenKey({ hiddenKey, onClose }: { hiddenKey: HiddenKey; onClose: () => void }) {
  const { key_id, key_prefix: name, user_id: user } = hiddenKey;
  const [reason, setReason] = useState<RevocationReason>('unspecified');
  const params = { path: { key_id }, query: { reason } };
  const [ended, setEnded] = useState<Ended | null>(null);
  const revoke = useRevocation(
    () => answerTo(api.DELETE('/api/v1/platform/hidden-keys/{key_id}', { params })),
    setEnded,
  );
  return (
    <ConfirmDialog
      title={`Revoke ${name}`}
      verb={`Revoke ${name}`}
      change={revoke}
      onConfirm={() => revoke.mutate()}
      onClose={onClose}
      outcome={ended === null ? undefined : <Revoked ended={ended} />}
    >
      <Text>
        This is a key of {user}. No gateway lets it through any more, at once and for good. The backend can
        mint a new one.
      </Text>
      <RecentUse at={hiddenKey.usage.last_used_at} />
      <ReasonSelect value={reason} onChange={setReason} />
    </ConfirmDialog>
  );
}

/** Confirms after it has shown how many keys end, their organizations and their last use. */
export function RevokeAllOfUser({ userId, onClose }: { userId: string; onClose: () => void }) {
  const [reason, setReason] = useState<RevocationReason>('unspecified');
  const params = { path: { user_id: userId }, query: { reason } };
  const keys = useKeysOfUser(userId);
  const [ended, setEnded] = useState<Ended | null>(null);
  const revoke = useRevocation(
    () => answerTo(api.DELETE('/api/v1/platform/hidden-keys/user/{user_id}', { params })),
    setEnded,
  );
  return (
    <ConfirmDialog
      title={`Revoke all keys of ${userId}`}
      verb={`Revoke all keys of ${userId}`}
      isReady={keys.data !== undefined}
      change={revoke}
      onConfirm={() => revoke.mutate()}
      onClose={onClose}
      outcome={ended === null ? undefined : <Revoked ended={ended} />}
    >
      <KeysOfUser userId={userId} keys={keys} />
      <ReasonSelect value={reason} onChange={setReason} />
    </ConfirmDialog>
  );
}

function Revoked({ ended }: { ended: Ended }) {
  return (
    <Outcome title={ended.message} complete="No verifier anywhere accepts it any more." propagated={ended} />
  );
}

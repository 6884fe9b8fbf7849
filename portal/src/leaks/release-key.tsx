import { Select, Text } from '@mantine/core';
import { useState } from 'react';
import { answerTo, api } from '../api/client.ts';
import { ConfirmDialog } from '../parts/confirm-dialog.tsx';
import { Outcome, type Propagated } from '../parts/outcome.tsx';
import { type HiddenKey, useRevocation } from '../user-keys/use-user-keys.ts';

const reasons = {
  unspecified: 'Not said',
  false_positive: 'It was no leak',
  used_in_tests: 'It is used in tests only',
  risk_accepted: 'The risk is accepted',
} as const;
type Reason = keyof typeof reasons;

/** Confirms by the beginning of the key, then shows the server's answer. */
export function ReleaseKey({ hiddenKey, onClose }: { hiddenKey: HiddenKey; onClose: () => void }) {
  const { key_id, key_prefix: name, user_id: user } = hiddenKey;
  const [reason, setReason] = useState<Reason>('unspecified');
  const [released, setReleased] = useState<Propagated | null>(null);
  const release = useRevocation(
    () =>
      answerTo(
        api.POST('/api/v1/platform/hidden-keys/{key_id}/release', {
          params: { path: { key_id } },
          body: { reason },
        }),
      ),
    setReleased,
  );
  return (
    <ConfirmDialog
      title={`Release ${name}`}
      verb={`Release ${name}`}
      color="blue"
      change={release}
      onConfirm={() => release.mutate()}
      onClose={onClose}
      outcome={
        released === null ? undefined : (
          <Outcome title="Released" complete="Every verifier accepts it again." propagated={released} />
        )
      }
    >
      <Text>
        Gateways let this key of {user} through again, with everything that it had. Somebody who has found it
        can use it too.
      </Text>
      <Select
        label="Reason"
        description="Kept in the audit log"
        allowDeselect={false}
        data={Object.entries(reasons).map(([value, label]) => ({ value, label }))}
        value={reason}
        onChange={(value) => setReason((value ?? 'unspecified') as Reason)}
      />
    </ConfirmDialog>
  );
}

import { Text } from '@mantine/core';
import { answerTo, api, type User } from '../api/client.ts';
import { ConfirmDialog } from '../parts/confirm-dialog.tsx';
import { useUserChange } from './use-platform-users.ts';

/** For a user who has lost the phone and the recovery codes. */
export function ResetSecondFactors({ user, onClose }: { user: User; onClose: () => void }) {
  const reset = useUserChange(
    () =>
      answerTo(
        api.DELETE('/api/v1/platform/users/{id}/second-factors', { params: { path: { id: user.id } } }),
      ),
    onClose,
  );
  return (
    <ConfirmDialog
      title={`Reset the second factors of ${user.email}`}
      verb={`Reset the second factors of ${user.email}`}
      change={reset}
      onConfirm={() => reset.mutate()}
      onClose={onClose}
    >
      <Text>
        Their apps, passkeys and recovery codes are void, and every session of {user.name} ends. The password
        alone lets them in again: make sure that it is they who ask.
      </Text>
    </ConfirmDialog>
  );
}

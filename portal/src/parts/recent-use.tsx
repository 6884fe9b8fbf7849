import { Alert } from '@mantine/core';
import { Time } from './time.tsx';

/** A key that was used within this time is probably still in use. */
const recentMs = 7 * 86_400_000;

/** Warning before a key is ended that was used in the last 7 days. */
export function RecentUse({ at }: { at: string | null }) {
  if (at === null || Date.now() - Date.parse(at) > recentMs) return null;
  return (
    <Alert color="red" title="Still in use" role="alert">
      Last used <Time at={at} none="" />. Callers that still have it are refused afterwards.
    </Alert>
  );
}

import { Text } from '@mantine/core';
import { Time } from '../parts/time.tsx';

type Props = {
  /** Since when asked scopes are recorded; null: not yet, undefined while loading. */
  recordedSince: string | null | undefined;
  days: number;
};

const dayMs = 86_400_000;

/** Says from when on unasked scopes can be named; nothing once they can. */
export function ScopesNote({ recordedSince, days }: Props) {
  if (recordedSince === undefined) return null;
  if (recordedSince === null) return <Text>It is not recorded yet which scopes gateways ask for.</Text>;
  const from = new Date(Date.parse(recordedSince) + days * dayMs);
  if (from <= new Date()) return null;
  return (
    <Text>
      Scopes that gateways ask for are recorded since <Time at={recordedSince} none="" />. The first unasked
      ones can be named <Time at={from.toISOString()} none="" />.
    </Text>
  );
}

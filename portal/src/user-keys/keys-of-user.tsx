import { Skeleton, Text } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { type Fact, Facts, Names } from '../parts/facts.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { number } from '../parts/number.ts';
import { RecentUse } from '../parts/recent-use.tsx';
import { Time } from '../parts/time.tsx';
import { useNames } from '../parts/use-names.ts';
import type { UserKeys } from './use-user-keys.ts';

/** Number, organizations and last use of the keys that a revoke of all keys of a user ends. */
export function KeysOfUser({ userId, keys }: { userId: string; keys: UseQueryResult<UserKeys> }) {
  const organizationIds = [...new Set((keys.data?.living ?? []).map((key) => key.organization_id))];
  const nameOf = useNames(organizationIds);
  if (keys.isError) return <FaultAlert error={keys.error} retry={() => void keys.refetch()} />;
  if (keys.data === undefined) return <Skeleton h={150} />;
  const { living, isMore } = keys.data;
  const lastUsed =
    living
      .map((key) => key.usage.last_used_at ?? '')
      .sort()
      .at(-1) || null;
  const facts: Fact[] = [
    ['User', userId],
    ['Keys', `${number(living.length)}${isMore ? ' or more' : ''} that can still be accepted`],
    ['Organizations', <Names key="organizations" names={organizationIds.map((id) => nameOf(id) ?? id)} />],
    ['Last used', <Time key="used" at={lastUsed} none="Never" />],
  ];
  return (
    <>
      <Text>No gateway lets these keys through any more, at once and for good.</Text>
      <Facts facts={facts} />
      <RecentUse at={lastUsed} />
    </>
  );
}

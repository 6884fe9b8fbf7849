import { Text } from '@mantine/core';
import { Time } from '../parts/time.tsx';
import type { HygieneItem } from './use-hygiene.ts';

type Props = { uses: HygieneItem['predecessor_uses']; nameOf: (id: string) => string | undefined };

/** Gateways through which a superseded key is still used: since when, and when its grace ends. */
export function PredecessorUses({ uses, nameOf }: Props) {
  return uses.map(({ key_id, key_prefix, master_key_id, first_used_at, last_used_at, superseded_until }) => (
    <Text key={`${key_id} ${master_key_id}`} size="xs" mt={4}>
      {key_prefix}… through {nameOf(master_key_id) ?? master_key_id}, first{' '}
      <Time at={first_used_at} none="" />, last <Time at={last_used_at} none="" />; it ends{' '}
      <Time at={superseded_until} none="" />
    </Text>
  ));
}

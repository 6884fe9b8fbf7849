import { Table, Text } from '@mantine/core';
import { ListTable } from '../parts/list-table.tsx';
import { Named } from '../parts/named.tsx';
import { Time } from '../parts/time.tsx';
import { useNames } from '../parts/use-names.ts';
import { UserKeyLink } from '../user-keys/user-key-link.tsx';
import { Findings } from './findings.tsx';
import { PredecessorUses } from './predecessor-uses.tsx';
import type { HygieneItem } from './use-hygiene.ts';

const columns = ['Key', 'Findings', 'User', 'Organization', 'Environment', 'Created', 'Last Used', 'Expires'];

type Props = {
  /** Undefined while loading. */
  items: HygieneItem[] | undefined;
  /** A page looks at a bounded number of keys, so one without a finding may lead to a next one. */
  isMore: boolean;
};

export function HygieneTable({ items, isMore }: Props) {
  const nameOf = useNames(
    (items ?? []).flatMap((key) => [
      key.organization_id,
      ...key.predecessor_uses.map(({ master_key_id }) => master_key_id),
    ]),
  );
  return (
    <ListTable
      label="Keys that need attention"
      minWidth={1100}
      columns={columns}
      items={items}
      empty={
        isMore
          ? 'Nothing was found among the newest keys. Go on with the next page.'
          : 'No active key needs attention.'
      }
    >
      {(key) => (
        <Table.Tr key={key.key_id}>
          <Table.Td>
            <UserKeyLink id={key.key_id}>{key.key_prefix}…</UserKeyLink>
          </Table.Td>
          <Table.Td>
            <Findings findings={key.findings} />
            {key.rotation_due_at !== null && (
              <Text size="xs" mt={4}>
                Refresh due <Time at={key.rotation_due_at} none="" />
              </Text>
            )}
            {key.unasked_scopes !== null && key.unasked_scopes.length > 0 && (
              <Text size="xs" mt={4}>
                No gateway asks for {key.unasked_scopes.join(', ')}
              </Text>
            )}
            <PredecessorUses uses={key.predecessor_uses} nameOf={nameOf} />
          </Table.Td>
          <Table.Td>{key.user_id}</Table.Td>
          <Table.Td>
            <Named id={key.organization_id} name={nameOf(key.organization_id)} />
          </Table.Td>
          <Table.Td>{key.environment}</Table.Td>
          <Table.Td>
            <Time at={key.created_at} none="—" />
          </Table.Td>
          <Table.Td>
            <Time at={key.usage.last_used_at} none="Never" />
          </Table.Td>
          <Table.Td>
            <Time at={key.expires_at} none="Never" as="last-day" />
          </Table.Td>
        </Table.Tr>
      )}
    </ListTable>
  );
}

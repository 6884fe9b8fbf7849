import { Button, Group, Table } from '@mantine/core';
import { ListTable } from '../parts/list-table.tsx';
import { Named } from '../parts/named.tsx';
import { Time } from '../parts/time.tsx';
import { useNames } from '../parts/use-names.ts';
import type { HiddenKey } from '../user-keys/use-user-keys.ts';
import { UserKeyLink } from '../user-keys/user-key-link.tsx';

type Props = {
  /** Undefined while loading. */
  hiddenKeys: HiddenKey[] | undefined;
  isManager: boolean;
  onRelease: (hiddenKey: HiddenKey) => void;
  onRevoke: (hiddenKey: HiddenKey) => void;
};

const columns = ['Key', 'Name', 'User', 'Organization', 'Environment', 'Revoked', 'Last Used', 'Actions'];

export function QuarantinedKeysTable({ hiddenKeys, isManager, onRelease, onRevoke }: Props) {
  const nameOf = useNames((hiddenKeys ?? []).map((key) => key.organization_id));
  return (
    <ListTable
      label="Keys in quarantine"
      minWidth={900}
      columns={columns}
      items={hiddenKeys}
      empty="No key is in quarantine."
    >
      {(key) => (
        <Table.Tr key={key.key_id}>
          <Table.Td>
            <UserKeyLink id={key.key_id}>{key.key_prefix}…</UserKeyLink>
          </Table.Td>
          <Table.Td>{key.name ?? '—'}</Table.Td>
          <Table.Td>{key.user_id}</Table.Td>
          <Table.Td>
            <Named id={key.organization_id} name={nameOf(key.organization_id)} />
          </Table.Td>
          <Table.Td>{key.environment}</Table.Td>
          <Table.Td>
            <Time at={key.quarantined_until} none="—" />
          </Table.Td>
          <Table.Td>
            <Time at={key.usage.last_used_at} none="Never" />
          </Table.Td>
          <Table.Td>
            {isManager && (
              <Group gap={4} wrap="nowrap">
                <Button
                  size="compact-sm"
                  variant="default"
                  aria-label={`Release ${key.key_prefix}`}
                  onClick={() => onRelease(key)}
                >
                  Release
                </Button>
                <Button
                  size="compact-sm"
                  variant="default"
                  aria-label={`Revoke ${key.key_prefix}`}
                  onClick={() => onRevoke(key)}
                >
                  Revoke
                </Button>
              </Group>
            )}
          </Table.Td>
        </Table.Tr>
      )}
    </ListTable>
  );
}

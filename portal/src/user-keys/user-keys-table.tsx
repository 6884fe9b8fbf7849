import { ActionIcon, Anchor, Button, Group, Menu, Table } from '@mantine/core';
import { StatusBadge } from '../api-keys/status-badge.tsx';
import { ListTable } from '../parts/list-table.tsx';
import { Named } from '../parts/named.tsx';
import { Time } from '../parts/time.tsx';
import { useNames } from '../parts/use-names.ts';
import type { HiddenKey } from './use-user-keys.ts';

type Props = {
  /** Undefined while loading. */
  hiddenKeys: HiddenKey[] | undefined;
  isManager: boolean;
  onDetails: (keyId: string) => void;
  onRevoke: (hiddenKey: HiddenKey) => void;
  onRevokeAll: (userId: string) => void;
};

const columns = [
  'Key',
  'Name',
  'User',
  'Organization',
  'Environment',
  'Last Used',
  'Expires',
  'Status',
  'Actions',
];

export function HiddenKeysTable({ hiddenKeys, ...rest }: Props) {
  const nameOf = useNames((hiddenKeys ?? []).map((key) => key.organization_id));
  return (
    <ListTable
      label="Hidden keys"
      minWidth={1000}
      columns={columns}
      items={hiddenKeys}
      empty="No key here. A backend mints them, with a master key."
    >
      {(key) => <HiddenKeyRow key={key.key_id} hiddenKey={key} nameOf={nameOf} {...rest} />}
    </ListTable>
  );
}

type RowProps = Omit<Props, 'hiddenKeys'> & {
  hiddenKey: HiddenKey;
  nameOf: (id: string) => string | undefined;
};

function HiddenKeyRow({ hiddenKey, nameOf, isManager, onDetails, onRevoke, onRevokeAll }: RowProps) {
  const { key_id, key_prefix, user_id, status } = hiddenKey;
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component="button" type="button" ff="monospace" size="sm" onClick={() => onDetails(key_id)}>
          {key_prefix}…
        </Anchor>
      </Table.Td>
      <Table.Td>{hiddenKey.name ?? '—'}</Table.Td>
      <Table.Td>{user_id}</Table.Td>
      <Table.Td>
        <Named id={hiddenKey.organization_id} name={nameOf(hiddenKey.organization_id)} />
      </Table.Td>
      <Table.Td>{hiddenKey.environment}</Table.Td>
      <Table.Td>
        <Time at={hiddenKey.usage.last_used_at} none="Never" />
      </Table.Td>
      <Table.Td>
        <Time at={hiddenKey.expires_at} none="Never" as="last-day" />
      </Table.Td>
      <Table.Td>
        <StatusBadge status={status} />
      </Table.Td>
      <Table.Td>
        {isManager && status !== 'revoked' && (
          <Group gap={4} wrap="nowrap">
            <Button
              size="compact-sm"
              variant="default"
              aria-label={`Revoke ${key_prefix}`}
              onClick={() => onRevoke(hiddenKey)}
            >
              Revoke
            </Button>
            <Menu position="bottom-end">
              <Menu.Target>
                <ActionIcon variant="default" aria-label={`More for ${key_prefix}`}>
                  <span aria-hidden>⋯</span>
                </ActionIcon>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item color="red" onClick={() => onRevokeAll(user_id)}>
                  Revoke all keys of {user_id}
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </Group>
        )}
      </Table.Td>
    </Table.Tr>
  );
}

import { ActionIcon, Anchor, Code, Menu, Table, Text } from '@mantine/core';
import { StatusBadge } from '../api-keys/status-badge.tsx';
import { Names } from '../parts/facts.tsx';
import { ListTable } from '../parts/list-table.tsx';
import { Time } from '../parts/time.tsx';
import type { MasterKeyAction } from './master-keys-page.tsx';
import { permissions } from './permissions.ts';
import type { MasterKey } from './use-master-keys.ts';

type OnAction = (action: MasterKeyAction, masterKey: MasterKey) => void;

type Props = {
  /** Undefined while loading. */
  masterKeys: MasterKey[] | undefined;
  isFiltered: boolean;
  onAction: OnAction;
};

const columns = [
  'Name',
  'Permissions',
  'Organizations',
  'IP Addresses',
  'Minted',
  'Last Used',
  'Expires',
  'Status',
  'Actions',
];

export function MasterKeysTable({ masterKeys, isFiltered, onAction }: Props) {
  return (
    <ListTable
      label="Master keys"
      minWidth={980}
      columns={columns}
      items={masterKeys}
      empty={
        isFiltered
          ? 'No master key passes the filters.'
          : 'There is no master key yet. Create one for a backend that mints keys.'
      }
    >
      {(masterKey) => <MasterKeyRow key={masterKey.id} masterKey={masterKey} onAction={onAction} />}
    </ListTable>
  );
}

function MasterKeyRow({ masterKey, onAction }: { masterKey: MasterKey; onAction: OnAction }) {
  return (
    <Table.Tr>
      <Table.Td maw={260}>
        <Anchor component="button" type="button" fw={600} onClick={() => onAction('details', masterKey)}>
          {masterKey.name}
        </Anchor>
        <Text size="sm">
          {masterKey.key_prefix === null ? 'Chosen secret' : <Code>{masterKey.key_prefix}…</Code>}
        </Text>
      </Table.Td>
      <Table.Td maw={220}>
        {masterKey.permissions.length === Object.keys(permissions).length ? (
          <Text size="sm">All</Text>
        ) : (
          <Names names={masterKey.permissions} />
        )}
      </Table.Td>
      <Table.Td>
        <Limited to={masterKey.organization_ids} none="All" />
      </Table.Td>
      <Table.Td>
        <Limited to={masterKey.ip_allowlist} none="Any" />
      </Table.Td>
      <Table.Td>{masterKey.minted_count.toLocaleString()}</Table.Td>
      <Table.Td>
        <Time at={masterKey.last_used_at} none="Never" />
      </Table.Td>
      <Table.Td>
        <Time at={masterKey.expires_at} none="Never" as="last-day" />
      </Table.Td>
      <Table.Td>
        <StatusBadge status={masterKey.status} />
      </Table.Td>
      <Table.Td>
        <MasterKeyMenu masterKey={masterKey} onAction={onAction} />
      </Table.Td>
    </Table.Tr>
  );
}

/** First entry of a list, and the number of others; the details show all. */
function Limited({ to, none }: { to: string[] | null; none: string }) {
  if (to === null) return <Text size="sm">{none}</Text>;
  const more = to.length > 2 ? ` and ${to.length - 2} more` : '';
  return <Text size="sm">{`${to.slice(0, 2).join(', ')}${more}`}</Text>;
}

function MasterKeyMenu({ masterKey, onAction }: { masterKey: MasterKey; onAction: OnAction }) {
  const isActive = masterKey.status === 'active';
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" aria-label={`Actions for ${masterKey.name}`}>
          <span aria-hidden>⋯</span>
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => onAction('details', masterKey)}>Details</Menu.Item>
        {isActive && <Menu.Item onClick={() => onAction('bounds', masterKey)}>Bounds</Menu.Item>}
        {isActive && <Menu.Item onClick={() => onAction('rotate', masterKey)}>Rotate</Menu.Item>}
        {isActive && <Menu.Item onClick={() => onAction('revoke', masterKey)}>Revoke</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  );
}

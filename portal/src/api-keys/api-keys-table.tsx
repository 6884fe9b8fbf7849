import { ActionIcon, Anchor, Badge, Code, Group, Menu, Table, Text } from '@mantine/core';
import { ListTable } from '../parts/list-table.tsx';
import { Time } from '../parts/time.tsx';
import type { KeyAction } from './api-keys-page.tsx';
import { StatusBadge } from './status-badge.tsx';
import type { ApiKey } from './use-api-keys.ts';

type OnAction = (action: KeyAction, apiKey: ApiKey) => void;

type Props = {
  /** Undefined while loading. */
  apiKeys: ApiKey[] | undefined;
  isFiltered: boolean;
  isManager: boolean;
  /** Whether to show the tenant of each key. */
  withTenant: boolean;
  onAction: OnAction;
};

export function ApiKeysTable({ apiKeys, isFiltered, ...rest }: Props) {
  return (
    <ListTable
      label="API keys"
      minWidth={940}
      columns={['Name', 'Key', 'Scopes', 'Last Used', 'Expires', 'Status', 'Actions']}
      items={apiKeys}
      empty={
        isFiltered
          ? 'No key on this page passes the filters.'
          : 'There is no key yet. Create one for a program that calls this API.'
      }
    >
      {(apiKey) => <KeyRow key={apiKey.id} apiKey={apiKey} {...rest} />}
    </ListTable>
  );
}

type RowProps = Omit<Props, 'apiKeys' | 'isFiltered'> & { apiKey: ApiKey };

function KeyRow({ apiKey, isManager, withTenant, onAction }: RowProps) {
  return (
    <Table.Tr>
      <Table.Td maw={280}>
        <Anchor component="button" type="button" fw={600} onClick={() => onAction('details', apiKey)}>
          {apiKey.name}
        </Anchor>
        <Text size="sm">{apiKey.description}</Text>
        {withTenant && <Text size="sm">{apiKey.organization_id ?? 'Platform'}</Text>}
      </Table.Td>
      <Table.Td>
        <Code style={{ whiteSpace: 'nowrap' }}>{apiKey.key_masked}</Code>
      </Table.Td>
      <Table.Td>
        <Group gap={4}>
          {apiKey.scopes.map((scope) => (
            <Badge key={scope} variant="default">
              {scope}
            </Badge>
          ))}
        </Group>
      </Table.Td>
      <Table.Td>
        <Time at={apiKey.last_used_at} none="Never" />
      </Table.Td>
      <Table.Td>
        <Time at={apiKey.expires_at} none="Never" as="last-day" />
      </Table.Td>
      <Table.Td>
        <StatusBadge status={apiKey.status} />
      </Table.Td>
      <Table.Td>
        <KeyMenu apiKey={apiKey} isManager={isManager} onAction={onAction} />
      </Table.Td>
    </Table.Tr>
  );
}

function KeyMenu({
  apiKey,
  isManager,
  onAction,
}: {
  apiKey: ApiKey;
  isManager: boolean;
  onAction: OnAction;
}) {
  const isActive = apiKey.status === 'active';
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" aria-label={`Actions for ${apiKey.name}`}>
          <span aria-hidden>⋯</span>
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => onAction('details', apiKey)}>Details</Menu.Item>
        {isManager && isActive && <Menu.Item onClick={() => onAction('rotate', apiKey)}>Rotate</Menu.Item>}
        {isManager && isActive && <Menu.Item onClick={() => onAction('revoke', apiKey)}>Revoke</Menu.Item>}
        {isManager && <Menu.Item onClick={() => onAction('delete', apiKey)}>Delete</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  );
}

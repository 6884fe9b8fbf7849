import { ActionIcon, Anchor, Code, Menu, Table, Text } from '@mantine/core';
import type { Role } from '../api/client.ts';
import { Names } from '../parts/facts.tsx';
import { ListTable } from '../parts/list-table.tsx';
import { Named } from '../parts/named.tsx';
import { Time } from '../parts/time.tsx';
import { useNames } from '../parts/use-names.ts';
import { useRoles } from '../platform-users/use-platform-users.ts';
import { holds, useOwn } from '../sessions/me.ts';
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
  const { may } = useOwn();
  const nameOf = useNames(rest.withTenant ? (apiKeys ?? []).map((key) => key.organization_id) : []);
  const roles = useRoles(rest.withTenant && may('platform:roles:read'));
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
      {(apiKey) => (
        <KeyRow key={apiKey.id} apiKey={apiKey} nameOf={nameOf} roles={roles.data ?? []} {...rest} />
      )}
    </ListTable>
  );
}

type RowProps = Omit<Props, 'apiKeys' | 'isFiltered'> & {
  apiKey: ApiKey;
  nameOf: (id: string) => string | undefined;
  roles: Role[];
};

function KeyRow({ apiKey, nameOf, roles, isManager, withTenant, onAction }: RowProps) {
  const { me } = useOwn();
  const roleOf = (id: string) => roles.find((role) => role.id === id);
  const roleName = (id: string) => `Role ${roleOf(id)?.name ?? id}`;
  // The server refuses the change of a platform key with more rights than one's own.
  const isWithin = apiKey.role_ids.every((id) => {
    const role = roleOf(id);
    return role === undefined ? me.role_ids.includes(id) : holds(me, role);
  });
  return (
    <Table.Tr>
      <Table.Td maw={280}>
        <Anchor component="button" type="button" fw={600} onClick={() => onAction('details', apiKey)}>
          {apiKey.name}
        </Anchor>
        <Text size="sm">{apiKey.description}</Text>
        {withTenant && (
          <Text size="sm" component="div">
            <Owner organizationId={apiKey.organization_id} nameOf={nameOf} />
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <Code style={{ whiteSpace: 'nowrap' }}>{apiKey.key_masked}</Code>
      </Table.Td>
      <Table.Td>
        <Names names={apiKey.scopes.length > 0 ? apiKey.scopes : apiKey.role_ids.map(roleName)} />
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
        <KeyMenu apiKey={apiKey} isManager={isManager && isWithin} onAction={onAction} />
      </Table.Td>
    </Table.Tr>
  );
}

function Owner({
  organizationId,
  nameOf,
}: {
  organizationId: string | null;
  nameOf: (id: string) => string | undefined;
}) {
  if (organizationId === null) return 'Platform';
  return <Named id={organizationId} name={nameOf(organizationId)} />;
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

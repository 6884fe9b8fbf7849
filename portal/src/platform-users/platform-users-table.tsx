import { Badge, Button, Group, Table } from '@mantine/core';
import type { Role, User } from '../api/client.ts';
import { ListTable } from '../parts/list-table.tsx';
import { SortHeader, type Sorting } from '../parts/sort-header.tsx';
import { Time } from '../parts/time.tsx';
import { holds, useOwn } from '../sessions/me.ts';

export type UserAction = 'edit' | 'reset' | 'reset factors' | 'delete';

type Props = {
  /** Undefined while loading. */
  users: User[] | undefined;
  roles: Role[];
  search: string;
  sorting: Sorting;
  onSort: (sorting: Sorting) => void;
  onAction: (action: UserAction, user: User) => void;
};

export function UsersTable({ users, roles, search, sorting, onSort, onAction }: Props) {
  const header = { sorting, onSort };
  return (
    <ListTable
      label="Users"
      minWidth={960}
      columns={[
        <SortHeader key="email" column="email" label="Email" {...header} />,
        <SortHeader key="name" column="name" label="Display Name" {...header} />,
        'Roles',
        <SortHeader key="status" column="status" label="Status" {...header} />,
        <SortHeader key="last_login" column="last_login" label="Last Login" {...header} />,
        'Actions',
      ]}
      items={users}
      empty={<>No user matches “{search}”.</>}
    >
      {(user) => <UserRow key={user.id} user={user} roles={roles} onAction={onAction} />}
    </ListTable>
  );
}

type RowProps = { user: User; roles: Role[]; onAction: Props['onAction'] };

function UserRow({ user, roles, onAction }: RowProps) {
  return (
    <Table.Tr>
      <Table.Td>{user.email}</Table.Td>
      <Table.Td>{user.name}</Table.Td>
      <Table.Td>
        <Group gap={4}>
          {user.role_ids.map((id) => (
            <Badge key={id} variant="default">
              {roles.find((role) => role.id === id)?.name ?? id}
            </Badge>
          ))}
        </Group>
      </Table.Td>
      <Table.Td>
        <Badge variant="dot" color={user.is_active ? 'green' : 'gray'}>
          {user.is_active ? 'Active' : 'Inactive'}
        </Badge>
        {user.sign_in === 'provider' && <Badge variant="default">Company account</Badge>}
        {user.is_break_glass && <Badge variant="default">Break-glass</Badge>}
      </Table.Td>
      <Table.Td>
        <Time at={user.last_login_at} none="Never" />
      </Table.Td>
      <Table.Td>
        <UserActions user={user} roles={roles} onAction={onAction} />
      </Table.Td>
    </Table.Tr>
  );
}

/**
 * Actions that this operator may take on this user: no edit of a user with more rights, and never
 * reset or delete of oneself.
 */
function UserActions({ user, roles, onAction }: RowProps) {
  const { me, may } = useOwn();
  const isOther = user.id !== me.id;
  const isWithin = user.role_ids.every((id) => {
    const role = roles.find((one) => one.id === id);
    return role === undefined ? me.role_ids.includes(id) : holds(me, role);
  });
  const offered: [action: UserAction, label: string, isOffered: boolean][] = [
    ['edit', 'Edit', may('platform:users:manage') && isWithin],
    ['reset', 'Reset Password', may('super-admin') && isOther && user.sign_in === 'password'],
    ['reset factors', 'Reset Factors', may('super-admin') && isOther],
    ['delete', 'Delete', may('super-admin') && isOther],
  ];
  return (
    <Group gap={4} wrap="nowrap">
      {offered
        .filter(([, , isOffered]) => isOffered)
        .map(([action, label]) => (
          <Button
            key={action}
            size="compact-sm"
            variant="default"
            aria-label={`${label} ${user.email}`}
            onClick={() => onAction(action, user)}
          >
            {label}
          </Button>
        ))}
    </Group>
  );
}

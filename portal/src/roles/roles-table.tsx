import { Badge, Button, Group, Table, Text } from '@mantine/core';
import type { Role } from '../api/client.ts';
import { ListTable } from '../parts/list-table.tsx';
import { useOwn } from '../sessions/me.ts';
import { type Area, areas } from './permission-areas.ts';

export type RoleAction = 'edit' | 'delete';

type Props = {
  /** Undefined while loading. */
  roles: Role[] | undefined;
  onAction: (action: RoleAction, role: Role) => void;
};

export function RolesTable({ roles, onAction }: Props) {
  const { may } = useOwn();
  return (
    <>
      <ListTable
        label="Roles"
        minWidth={980}
        columns={['Role', ...areas.map(({ label }) => label), 'Actions']}
        items={roles}
      >
        {(role) => <RoleRow key={role.id} role={role} onAction={onAction} />}
      </ListTable>
      {roles?.every((role) => role.built_in) && (
        <Text p="md">
          There is no custom role yet.
          {may('platform:roles:manage') &&
            ' Create one for users who need fewer rights than a built-in role gives.'}
        </Text>
      )}
    </>
  );
}

type RowProps = Omit<Props, 'roles'> & { role: Role };

function RoleRow({ role, onAction }: RowProps) {
  return (
    <Table.Tr>
      <Table.Td maw={280}>
        <Group gap="xs">
          <Text span fw={600}>
            {role.name}
          </Text>
          <Badge variant="default">{role.built_in ? 'Built in' : 'Custom'}</Badge>
        </Group>
        <Text size="sm">{role.description}</Text>
      </Table.Td>
      {areas.map((area) => (
        <Table.Td key={area.label}>{reachOf(role, area)}</Table.Td>
      ))}
      <Table.Td>
        <RoleActions role={role} onAction={onAction} />
      </Table.Td>
    </Table.Tr>
  );
}

function reachOf({ permissions }: Role, { read, manage }: Area): string {
  const held = [permissions.includes(read) && 'Read', permissions.includes(manage) && 'Manage'];
  return held.filter((word) => word !== false).join(', ') || '—';
}

/** Only operators with all rights of a role may change it. */
function RoleActions({ role, onAction }: RowProps) {
  const { may } = useOwn();
  const isMine = !role.built_in && may('platform:roles:manage') && role.permissions.every(may);
  if (!isMine) return null;
  return (
    <Group gap={4} wrap="nowrap">
      {actions.map(([action, label]) => (
        <Button
          key={action}
          size="compact-sm"
          variant="default"
          aria-label={`${label} ${role.name}`}
          onClick={() => onAction(action, role)}
        >
          {label}
        </Button>
      ))}
    </Group>
  );
}

const actions: readonly [action: RoleAction, label: string][] = [
  ['edit', 'Edit'],
  ['delete', 'Delete'],
];

import { Checkbox, Stack } from '@mantine/core';
import type { Role } from '../api/client.ts';
import { useRoles } from '../platform-users/use-platform-users.ts';
import { type Me, may, superAdminRoleId, useOwn } from '../sessions/me.ts';

type Props = { roleIds: string[]; onChange: (roleIds: string[]) => void; error: string | undefined };

/** What a platform key may do: any role that holds no more than its maker does. */
export function RolesField({ roleIds, onChange, error }: Props) {
  const { me } = useOwn();
  const roles = useRoles(may(me, 'platform:roles:read'));
  // Who may not read the roles knows their own by their ids.
  const choices =
    roles.data?.filter((role) => holds(me, role)) ??
    me.role_ids.map((id) => ({ id, name: id, description: null }));
  return (
    <Checkbox.Group label="Roles" required value={roleIds} onChange={onChange} error={error}>
      <Stack gap="xs" mt="xs">
        {choices.map(({ id, name, description }) => (
          <Checkbox key={id} value={id} label={name} description={description} />
        ))}
      </Stack>
    </Checkbox.Group>
  );
}

function holds(me: Me, { id, permissions }: Role): boolean {
  const isWithin = permissions.every((permission) => may(me, permission));
  return isWithin && (id !== superAdminRoleId || may(me, 'super-admin'));
}

const readOnlyRoleId = 'role_platform_viewer';
const builtInRoleIds: readonly string[] = [superAdminRoleId, 'role_platform_operator', readOnlyRoleId];

/**
 * What is ticked to begin with: a key that was made without a thought should not be able to do what
 * its maker can.
 */
export function leastRoles({ role_ids: own }: Me): string[] {
  return own.some((id) => builtInRoleIds.includes(id)) ? [readOnlyRoleId] : own;
}

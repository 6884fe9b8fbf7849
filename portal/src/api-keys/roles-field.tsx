import { Checkbox, Stack } from '@mantine/core';
import { useRoles } from '../platform-users/use-platform-users.ts';
import { holds, type Me, may, superAdminRoleId, useOwn } from '../sessions/me.ts';

type Props = {
  roleIds: string[];
  onChange: (roleIds: string[]) => void;
  error: string | undefined;
  isDisabled?: boolean;
};

/** Roles of a platform key or user: any role with no more rights than the operator. */
export function RolesField({ roleIds, onChange, error, isDisabled = false }: Props) {
  const { me } = useOwn();
  const roles = useRoles(may(me, 'platform:roles:read'));
  // Without the right to read roles, only the own ones, by id.
  const choices =
    roles.data?.filter((role) => holds(me, role)) ??
    me.role_ids.map((id) => ({ id, name: id, description: null }));
  return (
    <Checkbox.Group label="Roles" required value={roleIds} onChange={onChange} error={error}>
      <Stack gap="xs" mt="xs">
        {choices.map(({ id, name, description }) => (
          <Checkbox key={id} value={id} label={name} description={description} disabled={isDisabled} />
        ))}
      </Stack>
    </Checkbox.Group>
  );
}

const readOnlyRoleId = 'role_platform_viewer';
const builtInRoleIds: readonly string[] = [superAdminRoleId, 'role_platform_operator', readOnlyRoleId];

/**
 * Preselects the weakest role, so that a new key does not get all rights of its creator by default.
 */
export function leastRoles({ role_ids: own }: Me): string[] {
  return own.some((id) => builtInRoleIds.includes(id)) ? [readOnlyRoleId] : own;
}

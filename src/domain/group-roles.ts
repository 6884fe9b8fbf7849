/** Roles by group of the company's identity provider. */
export type GroupRoles = ReadonlyMap<string, readonly string[]>;

export const groupRolesRule =
  'must be <group>=<role id>[,<role id>], several groups separated by semicolons, each group once';

/**
 * Reads `keys-admins=role_platform_admin; auditors=role_platform_viewer,role_x`. The last `=` of an
 * entry divides it, so that the name of a group may be a distinguished name of LDAP. Undefined when
 * an entry is malformed or a group stands there twice.
 */
export function parseGroupRoles(text: string): GroupRoles | undefined {
  const entries = text.split(';').map((entry) => entry.trim());
  const named = entries.filter((entry) => entry !== '').map(parseEntry);
  const roles = new Map(named.filter((entry) => entry !== undefined));
  return roles.size === named.length && roles.size > 0 ? roles : undefined;
}

const rolePattern = /^role_[0-9A-Za-z_]{1,40}$/;

function parseEntry(entry: string): [group: string, roleIds: readonly string[]] | undefined {
  const divider = entry.lastIndexOf('=');
  const group = entry.slice(0, Math.max(divider, 0)).trim();
  const roleIds = entry
    .slice(divider + 1)
    .split(',')
    .map((id) => id.trim());
  return group !== '' && roleIds.every((id) => rolePattern.test(id)) ? [group, roleIds] : undefined;
}

/** The roles that a member of these groups has, each once and in a fixed order. */
export function rolesOfGroups(roles: GroupRoles, groups: readonly string[]): string[] {
  return [...new Set(groups.flatMap((group) => roles.get(group) ?? []))].sort();
}

/** Every role that some group has. */
export function mappedRoles(roles: GroupRoles): string[] {
  return [...new Set([...roles.values()].flat())].sort();
}

/**
 * Groups of a claim: a list of names, or one name as a text. Anything else is no group, such as the
 * reference that Entra ID sends in place of a long list.
 */
export function groupsOfClaim(claim: unknown): string[] {
  const names = Array.isArray(claim) ? claim : [claim];
  return names.filter((name): name is string => typeof name === 'string' && name !== '');
}

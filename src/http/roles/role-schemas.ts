import { z } from 'zod';
import { platformPermissions } from '../../domain/permission.ts';
import type { Role } from '../../domain/role.ts';
import { timestampText } from '../fields.ts';
import { displayName, roleId } from '../platform-users/platform-user-schemas.ts';

export const roleParams = z.strictObject({ id: roleId });

export const roleSettings = {
  name: displayName,
  // Postgres text cannot hold U+0000.
  description: z
    .string()
    .max(500)
    .refine((text) => !text.includes('\0'), 'must not contain U+0000')
    .nullable()
    .optional(),
  permissions: z
    .array(z.enum(platformPermissions))
    .max(platformPermissions.length)
    .transform((all) => [...new Set(all)]),
};

export const roleAnswer = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    description: z.string().nullable(),
    permissions: z.array(z.enum(platformPermissions)),
    built_in: z.boolean().describe('Cannot be changed'),
    created_at: timestampText,
    updated_at: timestampText,
  })
  .meta({ id: 'Role' });

export function toRoleAnswer(role: Role): z.input<typeof roleAnswer> {
  return {
    id: role.id,
    name: role.name,
    description: role.description,
    permissions: [...role.permissions],
    built_in: role.isBuiltIn,
    created_at: role.createdAt.toISOString(),
    updated_at: role.updatedAt.toISOString(),
  };
}

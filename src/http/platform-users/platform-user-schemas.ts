import { z } from 'zod';
import { emailLengthMax, emailPattern } from '../../domain/email.ts';
import { idPattern } from '../../domain/ids.ts';
import { passwordLengthMax, passwordLengthMin } from '../../domain/password.ts';
import { isPlainName, plainNameRule } from '../../domain/plain-name.ts';
import type { PlatformUser } from '../../domain/platform-user.ts';
import { timestampText } from '../fields.ts';

export const email = z
  .string()
  .max(emailLengthMax)
  .regex(emailPattern, 'must be an e-mail address')
  .refine((text) => text.isWellFormed(), 'must be well-formed Unicode');

export const displayName = z.string().trim().min(1).max(200).refine(isPlainName, plainNameRule);

/** A typed password. The use case checks length and strength of a new one. */
export const typedPassword = z.string().min(1).max(1_024);

export const newPassword = z
  .string()
  .max(1_024)
  .describe(`${passwordLengthMin} to ${passwordLengthMax} characters of any kind, and not easy to guess`);

/** Ids of built-in roles are words; those of custom roles are random. */
export const roleId = z.string().regex(/^role_[0-9A-Za-z_]{1,40}$/, 'must be a role id (role_…)');

export const roleIds = z
  .array(roleId)
  .max(50)
  .transform((all) => [...new Set(all)]);

export const userParams = z.strictObject({
  id: z.string().regex(idPattern('platformUser'), 'must be a platform user id (puser_…)'),
});

export const userAnswer = z
  .strictObject({
    id: z.string(),
    email: z.string(),
    name: z.string(),
    is_active: z.boolean(),
    role_ids: z.array(z.string()),
    last_login_at: timestampText.nullable(),
    created_at: timestampText,
    updated_at: timestampText,
    sign_in: z.enum(['password', 'provider']).describe('`provider`: an account of the identity provider'),
    is_break_glass: z.boolean().describe('Keeps its password where others use the identity provider'),
  })
  .meta({ id: 'PlatformUser' });

export function toUserAnswer(user: PlatformUser): z.input<typeof userAnswer> {
  return {
    id: user.id,
    email: user.email,
    name: user.name,
    is_active: user.isActive,
    role_ids: user.roleIds,
    last_login_at: user.lastLoginAt?.toISOString() ?? null,
    created_at: user.createdAt.toISOString(),
    updated_at: user.updatedAt.toISOString(),
    sign_in: user.hasPassword ? 'password' : 'provider',
    is_break_glass: user.isBreakGlass,
  };
}

import type { PasswordLogin } from '../../domain/password-login.ts';
import { isActiveSuperAdmin, type PlatformUser } from '../../domain/platform-user.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { isThereABreakGlassAccount } from '../../stores/postgres/platform-users/platform-users.ts';
import type { EventDraft } from '../change.ts';

export type PasswordUse = 'ordinary' | 'break-glass' | 'refused';

/**
 * How an account uses its password. While no active super-admin is marked as a break-glass account,
 * every super-admin counts as one: a deployment without a mark must not lock everybody out.
 */
export async function passwordUseOf(
  { db, passwordLogin }: { db: Db; passwordLogin: PasswordLogin },
  user: PlatformUser,
): Promise<PasswordUse> {
  if (user.isBreakGlass) return 'break-glass';
  if (passwordLogin === 'on') return 'ordinary';
  if (!isActiveSuperAdmin(user)) return 'refused';
  return (await isThereABreakGlassAccount(db)) ? 'refused' : 'break-glass';
}

/** A type of its own, for an alert: the log-in of an account that is for emergencies. */
export function breakGlassEvent(login: EventDraft): EventDraft {
  return { ...login, eventType: 'platform.login.break_glass' };
}

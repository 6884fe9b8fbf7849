import { isActiveSuperAdmin, type PlatformUser } from '../../domain/platform-user.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { isThereABreakGlassAccount } from '../../stores/postgres/platform-users/platform-users.ts';
import type { EventDraft } from '../change.ts';

/** Who logs in with a password: everybody who has one, or accounts for emergencies alone. */
export type PasswordLogin = 'on' | 'break-glass';

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

/** Whether somebody gets in while the identity provider is away, because they were meant to. */
export function isBreakGlassReady({ db }: { db: Db }): Promise<boolean> {
  return isThereABreakGlassAccount(db);
}

/** A type of its own, for an alert: the log-in of an account that is for emergencies. */
export function breakGlassEvent(login: EventDraft): EventDraft {
  return { ...login, eventType: 'platform.login.break_glass' };
}

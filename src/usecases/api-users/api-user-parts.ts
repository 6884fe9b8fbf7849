import { defaultEnvironment, platformOrganizationId } from '../../domain/api-key.ts';
import type { ApiUser } from '../../domain/api-user.ts';
import type { Clock } from '../../domain/clock.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { idPattern } from '../../domain/ids.ts';
import { type Revokes, revokesKeys } from '../../domain/key-change.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import type { Caller, Principal } from '../../domain/principal.ts';
import { isActiveApiAdmin, lockApiAdmins, lockApiUser } from '../../stores/postgres/api-users.ts';
import type { Db, Tx } from '../../stores/postgres/database.ts';
import { listUsageTotals, type UsageTotals } from '../../stores/postgres/usage/usage.ts';
import type { ChangeParts, EventDraft } from '../change.ts';

export type ApiUserParts = ChangeParts & { keyring: Keyring };

export type ReadApiUserParts = { db: Db; clock: Clock };

/** A user with the usage of all its keys; undefined when none was ever used. */
export type ApiUserWithUsage = { user: ApiUser; usage: UsageTotals | undefined };

/** `USER_NOT_FOUND` for a malformed id too: no user can have it. */
export function requireUserId(id: string): string {
  if (idPattern('apiUser').test(id)) return id;
  throw new FlowplateError('USER_NOT_FOUND');
}

export async function lockUser(tx: Tx, id: string): Promise<ApiUser> {
  const user = await lockApiUser(tx, requireUserId(id));
  if (user === undefined) throw new FlowplateError('USER_NOT_FOUND');
  return user;
}

/**
 * Guards the last admin, before one is deleted, demoted or deactivated. Admins cannot do this to
 * themselves, and must still be admins when it is their turn. So one always remains, also when two
 * do it to each other at once.
 */
export async function requireAnotherAdmin(tx: Tx, caller: Caller<Principal>, id: string): Promise<void> {
  if (caller.principal.id === id) throw new FlowplateError('SELF_ACTION_FORBIDDEN');
  await lockApiAdmins(tx);
  if (await isActiveApiAdmin(tx, caller.principal.id)) return;
  throw new FlowplateError('INSUFFICIENT_PERMISSIONS', {
    systemMessage: 'This API user is no longer an active admin',
    details: { required_role: 'admin' },
  });
}

/**
 * Audit event about an API user. Without the key, and without name and e-mail address: an event is
 * sealed for ever, and a person may ask to be erased.
 */
export function apiUserEvent(
  change: 'created' | 'updated' | 'key_rotated' | 'key_revoked' | 'deleted',
  user: Pick<ApiUser, 'id' | 'role'>,
  details: Record<string, unknown> = {},
): EventDraft {
  return {
    eventType: `api_user.${change}`,
    organizationId: null,
    targetId: user.id,
    details: { role: user.role, ...details },
  };
}

/** Feed entry for the key of an API user. Such keys belong to the platform. */
export function revokesApiUserKey(key: { id: string; revision: number }): Revokes {
  return revokesKeys([{ ...key, ...apiUserPlace }]);
}

export const apiUserPlace = { organizationId: platformOrganizationId, environment: defaultEnvironment };

export async function usageOf(
  { db, clock }: ReadApiUserParts,
  lineageId: string | undefined,
): Promise<UsageTotals | undefined> {
  if (lineageId === undefined) return undefined;
  return (await listUsageTotals(db, [lineageId], clock.now())).get(lineageId);
}

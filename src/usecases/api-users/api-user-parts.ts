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

/** A user and what was counted for all the keys that it had; undefined when none was ever used. */
export type ApiUserWithUsage = { user: ApiUser; usage: UsageTotals | undefined };

/** No user has an id that is not one of ours, so such a one is not found either. */
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
 * Before an admin is deleted, demoted or deactivated: nobody does that to themselves, and whoever
 * does it to another is still an admin when it is their turn. So at least one is always left, also
 * when two do it to each other at once.
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
 * What the audit log says of an API user: never the key, and no e-mail address, which would outlive
 * its deletion.
 */
export function apiUserEvent(
  change: 'created' | 'updated' | 'key_rotated' | 'deleted',
  user: Pick<ApiUser, 'id' | 'name' | 'role'>,
  details: Record<string, unknown> = {},
): EventDraft {
  return {
    eventType: `api_user.${change}`,
    organizationId: null,
    targetId: user.id,
    details: { name: user.name, role: user.role, ...details },
  };
}

/** The change of an API user's key, for the verifiers: such keys are the platform's own. */
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

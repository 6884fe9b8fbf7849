import type { ApiUser } from '../../domain/api-user.ts';
import { type AuditEvent, newAuditEvent } from '../../domain/audit-event.ts';
import type { Clock, RandomBytes } from '../../domain/clock.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { idPattern } from '../../domain/ids.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { type Caller, originOf, type Principal } from '../../domain/principal.ts';
import type { Turns } from '../../domain/turns.ts';
import { isActiveApiAdmin, lockApiAdmins, lockApiUser } from '../../stores/postgres/api-users.ts';
import type { Database, Db, Tx } from '../../stores/postgres/database.ts';
import type { PropagationWatch } from '../../stores/postgres/propagation.ts';
import { listUsageTotals, type UsageTotals } from '../../stores/postgres/usage.ts';

/** What every change of an API user takes. */
export type ApiUserParts = {
  db: Database;
  clock: Clock;
  randomBytes: RandomBytes;
  keyring: Keyring;
  propagation: PropagationWatch;
  turns: Turns;
};

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
 * Before an admin is deleted, demoted or deactivated: nobody does that to themselves, and whoever does it to another is still an admin
 * when it is their turn. So at least one is always left, also when two do it to each other at once.
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

/** What the audit log says of an API user: never the key, and no e-mail address, which would outlive its deletion. */
export function apiUserEvent(
  parts: Pick<ApiUserParts, 'clock' | 'randomBytes'>,
  caller: Caller<Principal>,
  change: 'created' | 'updated' | 'key_rotated' | 'deleted',
  user: ApiUser,
  details: Record<string, unknown> = {},
): AuditEvent {
  const at = { now: parts.clock.now(), randomBytes: parts.randomBytes };
  return newAuditEvent(at, originOf(caller), {
    eventType: `api_user.${change}`,
    organizationId: null,
    targetId: user.id,
    details: { name: user.name, role: user.role, ...details },
  });
}

export async function usageOf(
  { db, clock }: ReadApiUserParts,
  lineageId: string | undefined,
): Promise<UsageTotals | undefined> {
  if (lineageId === undefined) return undefined;
  return (await listUsageTotals(db, [lineageId], clock.now())).get(lineageId);
}

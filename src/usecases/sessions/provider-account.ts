import { type Origin, systemOrigin } from '../../domain/audit-event.ts';
import type { RandomBytes } from '../../domain/clock.ts';
import { type GroupRoles, rolesOfGroups } from '../../domain/group-roles.ts';
import { hmac, type Keyring } from '../../domain/key-digest.ts';
import type { PlatformUser } from '../../domain/platform-user.ts';
import { anybody, originOf } from '../../domain/principal.ts';
import type { SessionClient } from '../../domain/session.ts';
import type { Identity } from '../../oidc/identity-provider.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import {
  findUserIdOf,
  insertIdentity,
  isEmailTaken,
  noteLogin,
} from '../../stores/postgres/platform-users/identities.ts';
import {
  findPlatformUser,
  insertPlatformUser,
  savePlatformUser,
} from '../../stores/postgres/platform-users/platform-users.ts';
import { listUnknownRoles } from '../../stores/postgres/platform-users/roles.ts';
import { deleteSessionsOf } from '../../stores/postgres/sessions/sessions.ts';
import type { EventDraft } from '../change.ts';
import { toNewUser } from '../platform-users/new-user.ts';
import { personalChanges, platformUserEvent } from '../platform-users/platform-user-parts.ts';

export type AdmitContext = {
  tx: Tx;
  now: Date;
  randomBytes: RandomBytes;
  keyring: Keyring;
  groupRoles: GroupRoles;
  client: SessionClient;
  requestId: string;
};

export type Admitted =
  | { userId: string; events: EventDraft[] }
  | { refusal: 'no-role' | 'email-taken' | 'inactive'; events: EventDraft[] };

/**
 * The platform user of an identity, by issuer and subject, with the roles of its groups. The first
 * sign-in makes the account; an account that has the same e-mail address already is never taken
 * over. Groups without a role end every session of the account and take its roles. The caller holds
 * the lock of operators' rights, so that two first sign-ins make one account.
 */
export async function admitIdentity(context: AdmitContext, identity: Identity): Promise<Admitted> {
  const { tx, groupRoles } = context;
  const mapped = rolesOfGroups(groupRoles, identity.groups);
  const unknown = await listUnknownRoles(tx, mapped);
  const roleIds = mapped.filter((id) => !unknown.includes(id));
  const userId = await findUserIdOf(tx, identity);
  const user = userId === undefined ? undefined : await findPlatformUser(tx, userId);
  if (user === undefined) return admitNew(context, identity, roleIds);
  if (roleIds.length === 0) return withdraw(context, identity, user);
  return admitKnown(context, identity, user, roleIds);
}

async function admitNew(context: AdmitContext, identity: Identity, roleIds: string[]): Promise<Admitted> {
  const { tx, now } = context;
  if (roleIds.length === 0) return { refusal: 'no-role', events: [refused(context, 'no-role', identity)] };
  const { issuer, subject, email, name = subject } = identity;
  if (email !== undefined && (await isEmailTaken(tx, email))) {
    return { refusal: 'email-taken', events: [refused(context, 'email-taken', identity)] };
  }
  const wanted = toNewUser(context, { email: email ?? '', name: name.slice(0, nameLengthMax), roleIds }, now);
  const user = { ...wanted, email: email ?? placeholderOf(wanted.id), hasPassword: false };
  await insertPlatformUser(tx, user, null);
  await insertIdentity(tx, { issuer, subject, userId: user.id, now });
  await noteLogin(tx, user.id, now);
  const details = { role_ids: roleIds, by: 'identity provider', issuer };
  const created = platformUserEvent('platform.user.created', user.id, details);
  return { userId: user.id, events: [{ ...created, origin: ours(context) }] };
}

const nameLengthMax = 200;

/** `.invalid` has no owner (RFC 2606 §2), so nobody gets what is sent there. */
function placeholderOf(userId: string): string {
  return `${userId}@unverified.invalid`;
}

async function admitKnown(
  context: AdmitContext,
  identity: Identity,
  user: PlatformUser,
  roleIds: string[],
): Promise<Admitted> {
  const { tx, now } = context;
  const { email = user.email, name = user.name } = identity;
  const isAddressFree = email === user.email || !(await isEmailTaken(tx, email));
  const changes = {
    ...(email !== user.email && isAddressFree && { email }),
    ...(name !== user.name && { name }),
    ...(roleIds.join() !== [...user.roleIds].sort().join() && { roleIds }),
  };
  const isChanged = Object.keys(changes).length > 0;
  if (isChanged) await savePlatformUser(tx, { ...user, ...changes, updatedAt: now });
  const events = isChanged ? [updated(context, user.id, changes)] : [];
  if (!user.isActive) {
    return { refusal: 'inactive', events: [...events, refused(context, 'inactive', identity, user.id)] };
  }
  await noteLogin(tx, user.id, now);
  return { userId: user.id, events };
}

/** The account stays, so that a group gives it its roles back. What it was doing ends now. */
async function withdraw(context: AdmitContext, identity: Identity, user: PlatformUser): Promise<Admitted> {
  const { tx, now } = context;
  const hadRoles = user.roleIds.length > 0;
  if (hadRoles) await savePlatformUser(tx, { ...user, roleIds: [], updatedAt: now });
  await deleteSessionsOf(tx, user.id);
  const changed = hadRoles ? [updated(context, user.id, { roleIds: [] })] : [];
  return { refusal: 'no-role', events: [...changed, refused(context, 'no-role', identity, user.id)] };
}

function updated(
  context: AdmitContext,
  userId: string,
  changes: Partial<Pick<PlatformUser, 'email' | 'name' | 'roleIds'>>,
): EventDraft {
  const personal = personalChanges(changes);
  const details = {
    by: 'identity provider',
    ...(personal.length > 0 && { changed: personal }),
    ...(changes.roleIds !== undefined && { role_ids: changes.roleIds }),
  };
  return { ...platformUserEvent('platform.user.updated', userId, details), origin: ours(context) };
}

function ours({ requestId, client }: AdmitContext): Origin {
  return { ...systemOrigin, requestId, clientAddress: client.address ?? null };
}

/**
 * Without the subject: some providers put an e-mail address there. Its keyed hash connects attempts
 * of one account, until the pepper changes.
 */
function refused(
  { client, requestId, keyring }: AdmitContext,
  code: string,
  { issuer, subject, groups }: Identity,
  userId = 'unknown',
): EventDraft {
  const account = hmac(keyring[0], `identity\n${issuer}\n${subject}`).toString('hex').slice(0, 32);
  const details = { method: 'oidc', code, issuer, account, groups: groups.length };
  return {
    ...platformUserEvent('platform.login.refused', userId, details),
    result: 'refused',
    origin: originOf({ principal: anybody, requestId, address: client.address }),
  };
}

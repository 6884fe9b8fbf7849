import { z } from 'zod';
import { auditFaultKinds } from '../audit-seal.ts';
import type { PlatformPermission } from '../permission.ts';
import { enrolledKinds, secondFactorKinds } from '../second-factor.ts';
import { sessionMethods } from '../session.ts';
import { eventType } from './event-type.ts';
import { fields } from './fields.ts';

const login = { method: z.enum(sessionMethods), second_factor: z.enum(secondFactorKinds) };
const aLogin = { method: 'password', second_factor: 'passkey' } as const;
const factor = { id: fields.id, kind: z.enum(enrolledKinds) };
const aFactor = { id: 'sf_0P2bQe7sT1yV3xW5zA7cE9', kind: 'totp' } as const;
const roles = { role_ids: z.array(fields.id), by: fields.by };
const platformKey = {
  key_prefix: fields.keyPrefix,
  scopes: fields.words,
  role_ids: z.array(fields.id),
};
const aPlatformKey = { key_prefix: 'flplatform_9fJ2kQ7a', scopes: [], role_ids: ['role_platform_viewer'] };
const role = { permissions: fields.permissions };
const aRole = { permissions: ['platform:keys:read', 'platform:audit:read'] } satisfies {
  permissions: PlatformPermission[];
};

/** Operators, their sessions, roles and keys, and the deployment. */
export const platformEventTypes = {
  'platform.bootstrapped': eventType('The first super-admin was created.', 'platform user', {}, {}),
  'platform.impersonated': eventType(
    'An operator called an operation inside an organization.',
    'organization',
    { method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']) },
    { method: 'GET' },
  ),
  'platform.login.succeeded': eventType('An operator has logged in.', 'platform user', login, aLogin),
  'platform.login.refused': eventType(
    'A log-in was refused. The target is `unknown` where no account has the typed address.',
    'platform user',
    { ...login, code: z.union([fields.code, z.enum(['unavailable', 'denied', 'untrusted'])]) },
    { code: 'INVALID_CREDENTIALS' },
  ),
  'platform.login.break_glass': eventType(
    'An account for emergencies has logged in with its password.',
    'platform user',
    login,
    aLogin,
  ),
  'platform.device.approved': eventType(
    'An operator approved the log-in of a command line.',
    'platform user',
    {},
    {},
  ),
  'platform.device.denied': eventType(
    'An operator denied the log-in of a command line.',
    'platform user',
    {},
    {},
  ),
  'platform.logout': eventType('An operator has logged out.', 'platform user', {}, {}),
  'platform.session.ended': eventType(
    'An operator ended sessions of their own.',
    'platform user',
    { ended_count: fields.count },
    { ended_count: 2 },
  ),
  'platform.session.confirmed': eventType(
    'An operator proved again who they are, or failed to (`code`).',
    'platform user',
    { by: fields.by, code: fields.code },
    { by: 'passkey' },
  ),
  'platform.second_factor.begun': eventType(
    'An operator began to set up a second factor.',
    'platform user',
    factor,
    aFactor,
  ),
  'platform.second_factor.added': eventType(
    'An operator has a new second factor, or failed to prove it (`code`).',
    'platform user',
    { ...factor, code: fields.code },
    aFactor,
  ),
  'platform.second_factor.removed': eventType(
    'An operator removed a second factor.',
    'platform user',
    { ...factor, was_last: fields.flag },
    { ...aFactor, was_last: false },
  ),
  'platform.second_factor.reset': eventType(
    'A super-admin removed the second factors of another operator.',
    'platform user',
    { removed_count: fields.count },
    { removed_count: 2 },
  ),
  'platform.recovery_codes.renewed': eventType(
    'An operator made new recovery codes.',
    'platform user',
    {},
    {},
  ),
  'platform.access.refused': eventType(
    'A known caller was refused an operation. Repetitions within a minute are one event with their `count`.',
    'operation',
    { code: fields.code, count: fields.count },
    { code: 'INSUFFICIENT_PERMISSIONS', count: 12 },
  ),
  'platform.user.created': eventType('A platform user was created.', 'platform user', roles, {
    role_ids: ['role_platform_viewer'],
  }),
  'platform.user.updated': eventType(
    'A platform user was changed.',
    'platform user',
    { ...roles, changed: fields.names, is_active: fields.flag, is_break_glass: fields.flag },
    { is_active: false },
  ),
  'platform.user.password_changed': eventType(
    'The password of a platform user was changed, which ends their sessions.',
    'platform user',
    { by: fields.by },
    { by: 'operator' },
  ),
  'platform.user.deleted': eventType('A platform user was deleted.', 'platform user', {}, {}),
  'platform.person.erased': eventType(
    'The name and e-mail address of a deleted user were erased.',
    'platform user or API user',
    {},
    {},
  ),
  'platform.role.created': eventType('A role was created.', 'role', role, aRole),
  'platform.role.updated': eventType('A role was changed.', 'role', role, aRole),
  'platform.role.deleted': eventType('A role was deleted.', 'role', role, aRole),
  'platform.key.created': eventType('A platform key was created.', 'platform key', platformKey, aPlatformKey),
  'platform.key.rotated': eventType(
    'A platform key was replaced by a new one.',
    'platform key',
    { ...platformKey, previous_key_id: fields.id },
    { ...aPlatformKey, previous_key_id: 'ak_0P2bQe7sT1yV3xW5zA7cE9' },
  ),
  'platform.key.revoked': eventType(
    'A platform key was revoked.',
    'platform key',
    { ...platformKey, reason: fields.reason, by: fields.by },
    { ...aPlatformKey, reason: 'superseded' },
  ),
  'platform.key.deleted': eventType(
    'A platform key was deleted.',
    'platform key',
    { ...platformKey, reason: fields.reason },
    { ...aPlatformKey, reason: 'unspecified' },
  ),
  'verifier.lapsed': eventType(
    'A verifier has been silent for five minutes after the end of its lease, without a sign-off: an API process, or a gateway.',
    'verifier',
    { kind: z.enum(['api', 'embedded']), master_key_id: fields.id, lease_until: fields.time },
    {
      kind: 'embedded',
      master_key_id: 'flm_1Z3dRg9uV3aX5bY7cC9eG1',
      lease_until: '2026-12-01T09:24:58.000Z',
    },
  ),
  'audit.fault': eventType(
    "The worker's check of the sealed audit log has found a fault that is new.",
    'audit event',
    { kind: z.enum(auditFaultKinds), seq: fields.count, event_id: fields.id },
    { kind: 'changed', seq: 48_211, event_id: 'evt_1Z3dRg9uV3aX5bY7cC9eG1' },
  ),
  'database.recovered': eventType(
    'Rights that a restored database had given back were taken away again.',
    'database history',
    {
      keys: fields.count,
      master_keys: fields.count,
      organizations: fields.count,
      api_users: fields.count,
      stops: fields.count,
      platform_users: fields.count,
    },
    { keys: 41, master_keys: 0, organizations: 1, api_users: 0, stops: 0, platform_users: 0 },
  ),
};

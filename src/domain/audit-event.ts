import type { RandomBytes } from './clock.ts';
import { newId } from './ids.ts';

/** All audit event types. An event says who did what to which thing, and never holds a secret. */
export const auditEventTypes = [
  'organization.created',
  'organization.updated',
  'organization.status_changed',
  'organization.policy_changed',
  'environment.created',
  'key.minted',
  'key.imported',
  'key.refreshed',
  'key.activated',
  'key.revoked',
  'key.updated',
  'key.expiring',
  'key.expired',
  'key.stale',
  'key.rotation_due',
  'key.quota.reached',
  'key.leaked',
  'key.quarantined',
  'key.released',
  'key.canary.used',
  'keys.stopped',
  'keys.pruned',
  'keys.bulk_ordered',
  'keys.bulk_ended',
  'keys.bulk_cancelled',
  'import_secret.created',
  'import_secret.deleted',
  'master_key.created',
  'master_key.updated',
  'master_key.mint_quota.reached',
  'master_key.expiring',
  'master_key.unused',
  'master_key.rotated',
  'master_key.revoked',
  'platform.bootstrapped',
  'platform.impersonated',
  'platform.login.succeeded',
  'platform.login.refused',
  'platform.login.break_glass',
  'platform.device.approved',
  'platform.device.denied',
  'platform.logout',
  'platform.session.ended',
  'platform.session.confirmed',
  'platform.second_factor.begun',
  'platform.second_factor.added',
  'platform.second_factor.removed',
  'platform.second_factor.reset',
  'platform.recovery_codes.renewed',
  'platform.access.refused',
  'platform.user.created',
  'platform.user.updated',
  'platform.user.password_changed',
  'platform.user.deleted',
  'platform.person.erased',
  'platform.role.created',
  'platform.role.updated',
  'platform.role.deleted',
  'platform.key.created',
  'platform.key.rotated',
  'platform.key.revoked',
  'platform.key.deleted',
  'tenant.key.created',
  'tenant.key.rotated',
  'tenant.key.revoked',
  'tenant.key.deleted',
  'environment.deleted',
  'webhook.created',
  'webhook.updated',
  'webhook.secret_rotated',
  'webhook.tested',
  'webhook.replayed',
  'webhook.disabled',
  'webhook.deleted',
  'database.recovered',
  'verifier.lapsed',
  'audit.fault',
  'api_user.created',
  'api_user.updated',
  'api_user.key_rotated',
  'api_user.key_revoked',
  'api_user.deleted',
] as const;

export type AuditEventType = (typeof auditEventTypes)[number];

/**
 * Kinds of actors: every kind of credential, a person at the server's shell, and the server itself
 * (a sweep). `user_key`: somebody who held that key.
 */
export const actorKinds = [
  'master_key',
  'platform_user',
  'platform_key',
  'tenant_key',
  'api_user',
  'user_key',
  'anybody',
  'shell',
  'system',
] as const;

export type ActorKind = (typeof actorKinds)[number];

export type Actor = { kind: ActorKind; id: string };

/** Refused attempts are recorded too. */
export type AuditResult = 'success' | 'refused';

export type AuditEvent = {
  id: string;
  eventType: AuditEventType;
  actor: Actor;
  organizationId: string | null;
  targetId: string;
  requestId: string | null;
  /** Organization that the actor, an operator, was impersonating. */
  onBehalfOf: string | null;
  /** Where the request came from. Not sealed, and null once the person is erased. */
  clientAddress: string | null;
  result: AuditResult;
  details: Record<string, unknown>;
  createdAt: Date;
};

/** Actor and request that a change is recorded under. */
export type Origin = {
  actor: Actor;
  requestId: string | null;
  onBehalfOf?: string | null;
  clientAddress?: string | null;
};

export const systemOrigin: Origin = { actor: { kind: 'system', id: 'flowplate' }, requestId: null };

export function newAuditEvent(
  at: { now: Date; randomBytes: RandomBytes },
  origin: Origin,
  event: Pick<AuditEvent, 'eventType' | 'organizationId' | 'targetId' | 'details'> &
    Partial<Pick<AuditEvent, 'result'>>,
): AuditEvent {
  return {
    id: newId('auditEvent', at.now, at.randomBytes),
    onBehalfOf: null,
    clientAddress: null,
    result: 'success',
    ...origin,
    ...event,
    createdAt: at.now,
  };
}

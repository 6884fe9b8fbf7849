import type { AuditEvent } from './use-audit.ts';

type EventType = AuditEvent['event_type'];
type NameOf = (id: string) => string | undefined;
type Told = { target: string; details: Record<string, unknown>; place: string };

const text = (value: unknown): string => (typeof value === 'string' ? value : 'unknown');

/** A user key by its user, and a key of another kind by its id. */
const keyOf = (target: string, details: Record<string, unknown>): string =>
  details.user_id === undefined ? `the key ${target}` : `a hidden key of ${text(details.user_id)}`;

const soon = ({ days_left: days }: Record<string, unknown>): string =>
  days === 1 ? 'within a day' : `within ${String(days)} days`;

/** The verb phrase of each event type. */
const phrases: Record<EventType, (told: Told) => string> = {
  'organization.created': ({ target }) => `provisioned the tenant ${target}`,
  'organization.updated': ({ target, details }) => `renamed the tenant ${target} to ${text(details.name)}`,
  'organization.status_changed': ({ target, details }) =>
    `set the tenant ${target} to ${text(details.status)}`,
  'organization.policy_changed': ({ target, details }) =>
    details.after === null
      ? `took the policy of the tenant ${target} away`
      : `set the policy of the tenant ${target}`,
  'environment.created': ({ details }) => `created the environment ${text(details.slug)}`,
  'environment.deleted': ({ details }) => `deleted the environment ${text(details.slug)}`,
  'webhook.created': ({ target }) => `created webhook ${target}`,
  'webhook.updated': ({ target }) => `changed webhook ${target}`,
  'webhook.secret_rotated': ({ target }) => `gave webhook ${target} a new secret`,
  'webhook.tested': ({ target }) => `tested webhook ${target}`,
  'webhook.replayed': ({ target }) => `queued events for webhook ${target} again`,
  'webhook.disabled': ({ target }) => `disabled webhook ${target}`,
  'webhook.deleted': ({ target }) => `deleted webhook ${target}`,
  'verifier.lapsed': ({ target }) => `noted that the verifier ${target} has fallen silent`,
  'audit.fault': ({ details }) => `found a fault in the audit log: ${text(details.kind)}`,
  'database.recovered': () => 'recovered the database, which had gone back to an earlier state',
  'key.minted': ({ details }) => `minted a hidden key for ${text(details.user_id)}`,
  'key.activated': ({ details }) => `took up the new hidden key of ${text(details.user_id)}`,
  'key.imported': ({ details }) => `imported a hidden key for ${text(details.user_id)}`,
  'key.refreshed': ({ details }) => `refreshed the hidden key of ${text(details.user_id)}`,
  'key.revoked': ({ details }) => `revoked a hidden key of ${text(details.user_id)}`,
  'key.updated': ({ details }) => `changed the hidden key of ${text(details.user_id)}`,
  'key.expired': ({ details }) => `noted that a hidden key of ${text(details.user_id)} has expired`,
  'key.expiring': ({ target, details }) => `noted that ${keyOf(target, details)} ends ${soon(details)}`,
  'key.rotation_due': ({ target, details }) =>
    `noted that ${keyOf(target, details)} reaches its longest age ${soon(details)}`,
  'key.stale': ({ details }) =>
    `noted that a hidden key of ${text(details.user_id)} was not accepted for ${String(details.days)} days`,
  'key.quota.reached': ({ target, details }) =>
    `noted that ${keyOf(target, details)} has used ${String(details.percent)} % of its quota`,
  'key.leaked': ({ target, details }) => `reported ${keyOf(target, details)} as leaked`,
  'key.quarantined': ({ details }) => `quarantined a hidden key of ${text(details.user_id)}`,
  'key.canary.used': ({ details }) => `saw a canary key of ${text(details.user_id)} being used`,
  'key.released': ({ details }) => `released a hidden key of ${text(details.user_id)}`,
  'keys.stopped': ({ details }) => `stopped all keys of ${text(details.subject)} at once`,
  'keys.pruned': ({ details }) => `deleted ${String(details.count)} hidden keys that had ended long ago`,
  'keys.bulk_ordered': ({ details }) => `ordered to ${text(details.action)} many hidden keys`,
  'keys.bulk_ended': ({ details }) =>
    `ended an order to ${text(details.action)} hidden keys: ${text(details.status)}`,
  'keys.bulk_cancelled': ({ details }) => `cancelled an order to ${text(details.action)} hidden keys`,
  'import_secret.created': ({ target }) => `kept the import secret ${target}`,
  'import_secret.deleted': ({ target }) => `deleted the import secret ${target}`,
  'master_key.created': ({ details }) => `created the master key ${text(details.name)}`,
  'master_key.updated': ({ target }) => `changed the bounds of the master key ${target}`,
  'master_key.mint_quota.reached': ({ target, details }) =>
    `reached ${String(details.percent)} % of ${details.bound === 'living_keys_max' ? 'the living keys' : 'the quota of mints'} of the master key ${target}`,
  'master_key.expiring': ({ target, details }) => `noted that the master key ${target} ends ${soon(details)}`,
  'master_key.unused': ({ target, details }) =>
    `noted that the master key ${target} was not used for ${String(details.days)} days`,
  'master_key.rotated': ({ target }) => `rotated the master key ${target}`,
  'master_key.revoked': ({ target }) => `revoked the master key ${target}`,
  'platform.bootstrapped': ({ target }) => `made ${target} the first super-admin`,
  'platform.impersonated': ({ target, details }) =>
    `called ${text(details.method)} ${text(details.path)} inside ${target}`,
  'platform.login.succeeded': ({ place }) => `logged in from ${place}`,
  'platform.login.refused': ({ target, place }) => `tried to log in as ${target} from ${place}`,
  'platform.login.break_glass': ({ target, place }) => `used the break-glass account ${target} from ${place}`,
  'platform.device.approved': ({ details }) =>
    `approved the log-in of a command line (${text(details.user_agent)})`,
  'platform.device.denied': ({ details }) =>
    `denied the log-in of a command line at ${text(details.address)}`,
  'platform.logout': () => 'logged out',
  'platform.session.ended': ({ details }) =>
    details.all_but === undefined ? 'ended an own session' : 'ended all other own sessions',
  'platform.session.confirmed': ({ details }) =>
    details.code === undefined
      ? `confirmed a session by ${text(details.by)}`
      : `failed to confirm a session by ${text(details.by)}`,
  'platform.second_factor.begun': ({ details }) => `began to set up a second factor (${text(details.kind)})`,
  'platform.second_factor.added': ({ details }) =>
    details.code === undefined
      ? `set up a second factor (${text(details.kind)})`
      : `failed to set up a second factor (${text(details.kind)})`,
  'platform.second_factor.removed': ({ details }) => `removed a second factor (${text(details.kind)})`,
  'platform.second_factor.reset': ({ target }) => `reset the second factors of ${target}`,
  'platform.recovery_codes.renewed': () => 'made new recovery codes',
  'platform.access.refused': ({ target }) => `was refused ${target}`,
  'platform.user.created': ({ target }) => `created the user ${target}`,
  'platform.user.updated': ({ target }) => `changed the user ${target}`,
  'platform.user.password_changed': ({ target, details }) =>
    details.by === 'self' ? 'changed the own password' : `set a new password for ${target}`,
  'platform.user.deleted': ({ target }) => `deleted the user ${target}`,
  'platform.person.erased': ({ target }) => `erased the name and address of ${target}`,
  'platform.role.created': ({ details }) => `created the role ${text(details.name)}`,
  'platform.role.updated': ({ details }) => `changed the role ${text(details.name)}`,
  'platform.role.deleted': ({ details }) => `deleted the role ${text(details.name)}`,
  'platform.key.created': ({ details }) => `created the platform key ${text(details.name)}`,
  'platform.key.rotated': ({ details }) => `rotated the platform key ${text(details.name)}`,
  'platform.key.revoked': ({ details }) => `revoked the platform key ${text(details.name)}`,
  'platform.key.deleted': ({ details }) => `deleted the platform key ${text(details.name)}`,
  'tenant.key.created': ({ details }) => `created the tenant key ${text(details.name)}`,
  'tenant.key.rotated': ({ details }) => `rotated the tenant key ${text(details.name)}`,
  'tenant.key.revoked': ({ details }) => `revoked the tenant key ${text(details.name)}`,
  'tenant.key.deleted': ({ details }) => `deleted the tenant key ${text(details.name)}`,
  'api_user.created': ({ target }) => `created the API user ${target}`,
  'api_user.updated': ({ target }) => `changed the API user ${target}`,
  'api_user.key_rotated': ({ target }) => `rotated the key of the API user ${target}`,
  'api_user.key_revoked': ({ target }) => `ended the key of the API user ${target}`,
  'api_user.deleted': ({ target }) => `deleted the API user ${target}`,
};

export const eventTypes = Object.keys(phrases).sort() as EventType[];

const actors: Record<AuditEvent['actor']['kind'], string> = {
  master_key: 'A master key',
  platform_user: 'An operator',
  platform_key: 'A platform key',
  tenant_key: 'A tenant key',
  api_user: 'An API user',
  user_key: 'The holder of a user key',
  anybody: 'Somebody',
  shell: 'Somebody at the server’s shell',
  system: 'The server',
};

/** One sentence about an event: who did what to which thing, by name where it is known. */
export function sentenceOf(event: AuditEvent, nameOf: NameOf): string {
  const { event_type, actor, target_id, details, client_address } = event;
  // Earlier releases wrote the address of a log-in into its details.
  const place = client_address ?? text(details.address);
  const who = nameOf(actor.id) ?? actors[actor.kind];
  const did = phrases[event_type]({ target: nameOf(target_id) ?? target_id, details, place });
  const where = event_type === 'platform.impersonated' ? null : event.on_behalf_of;
  const inside = where === null ? '' : ` inside ${nameOf(where) ?? where}`;
  return `${who} ${did}${inside}.`;
}

/** Ids of which a sentence tells the names. */
export function idsIn({ actor, target_id, on_behalf_of, organization_id }: AuditEvent) {
  return [actor.id, target_id, on_behalf_of, organization_id];
}

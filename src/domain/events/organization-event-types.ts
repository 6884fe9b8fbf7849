import { z } from 'zod';
import { eventType } from './event-type.ts';
import { fields } from './fields.ts';

const slug = { slug: fields.slug };
const tenantKey = { key_prefix: fields.keyPrefix, scopes: fields.words, environment: fields.slug };
const aTenantKey = { key_prefix: 'flkey_9fJ2kQ7a', scopes: ['orders:read'], environment: 'default' };
const apiUser = { role: z.enum(['user', 'admin']) };
const anApiUser = { role: 'user' } as const;

/** Organizations with what belongs to them, and API users. */
export const organizationEventTypes = {
  'organization.created': eventType('An organization was created.', 'organization', {}, {}),
  'organization.updated': eventType('An organization was renamed.', 'organization', {}, {}),
  'organization.status_changed': eventType(
    'An organization was suspended, resumed or deleted.',
    'organization',
    { status: z.enum(['active', 'suspended', 'deleted']), by: fields.by },
    { status: 'suspended' },
  ),
  'organization.policy_changed': eventType(
    'The policy of an organization was set or taken away.',
    'organization',
    {},
    {},
  ),
  'environment.created': eventType('An environment was created.', 'environment', slug, { slug: 'staging' }),
  'environment.deleted': eventType('An environment was deleted.', 'environment', slug, { slug: 'staging' }),
  'tenant.key.created': eventType('A tenant key was created.', 'tenant key', tenantKey, aTenantKey),
  'tenant.key.rotated': eventType(
    'A tenant key was replaced by a new one.',
    'tenant key',
    { ...tenantKey, previous_key_id: fields.id },
    { ...aTenantKey, previous_key_id: 'ak_0P2bQe7sT1yV3xW5zA7cE9' },
  ),
  'tenant.key.revoked': eventType(
    'A tenant key was revoked.',
    'tenant key',
    { ...tenantKey, reason: fields.reason, by: fields.by },
    { ...aTenantKey, reason: 'owner_left' },
  ),
  'tenant.key.deleted': eventType(
    'A tenant key was deleted.',
    'tenant key',
    { ...tenantKey, reason: fields.reason },
    { ...aTenantKey, reason: 'unspecified' },
  ),
  'api_user.created': eventType('An API user was created.', 'API user', apiUser, anApiUser),
  'api_user.updated': eventType(
    'An API user was changed. `changed` names the fields.',
    'API user',
    { ...apiUser, changed: fields.names, is_active: fields.flag, by: fields.by },
    { ...anApiUser, changed: ['isActive'], is_active: false },
  ),
  'api_user.key_rotated': eventType(
    'The key of an API user was replaced by a new one.',
    'API user',
    { ...apiUser, previous_key_id: fields.id },
    { ...anApiUser, previous_key_id: 'ak_0P2bQe7sT1yV3xW5zA7cE9' },
  ),
  'api_user.key_revoked': eventType(
    'The key of an API user was ended, by somebody who held it or because it had leaked. The user needs a new one.',
    'API user',
    { ...apiUser, key_id: fields.id, reason: fields.reason },
    { ...anApiUser, key_id: 'ak_0P2bQe7sT1yV3xW5zA7cE9', reason: 'key_compromise' },
  ),
  'api_user.deleted': eventType(
    'An API user was deleted.',
    'API user',
    { ...apiUser, reason: fields.reason },
    { ...anApiUser, reason: 'owner_left' },
  ),
};

import type { Need } from '../sessions/me.ts';

/** View with the thing that a text names. */
export type Destination = { label: string; to: string; need: Need; where?: 'outside' };

const at = (view: string, query: Record<string, string>) => `${view}?${new URLSearchParams(query)}`;

type Rule = { looksLike: RegExp; destination: (text: string) => Destination };

/** By the prefix of an id or a key. The first that fits is the best one. */
const rules: readonly Rule[] = [
  {
    looksLike: /^flk_/,
    destination: (key) => ({
      label: `Hidden key ${key}`,
      to: at('/hidden-keys', { key }),
      need: 'platform:hidden_keys:read',
    }),
  },
  {
    looksLike: /^ak_/,
    destination: (key) => ({
      label: `API key ${key}`,
      to: at('/api-keys', { key }),
      need: 'platform:keys:read',
    }),
  },
  {
    looksLike: /^fl_user_/,
    destination: (prefix) => ({
      label: `Hidden keys that begin with ${prefix}`,
      to: at('/hidden-keys', { prefix }),
      need: 'platform:hidden_keys:read',
    }),
  },
  {
    looksLike: /^(flkey|flplatform)_/,
    destination: (name) => ({
      label: `API keys that begin with ${name}`,
      to: at('/api-keys', { name }),
      need: 'platform:keys:read',
    }),
  },
  {
    looksLike: /^flm_/,
    destination: (key) => ({
      label: `Master key ${key}`,
      to: at('/master-keys', { key }),
      need: 'super-admin',
      where: 'outside',
    }),
  },
  {
    looksLike: /^whe_/,
    destination: (webhook) => ({
      label: `Webhook ${webhook}`,
      to: at('/webhooks', { webhook }),
      need: 'platform:events:read',
      where: 'outside',
    }),
  },
  {
    looksLike: /^(req_|[0-9a-f]{32}$)/,
    destination: (request_id) => ({
      label: `What the request ${request_id} did`,
      to: at('/audit', { request_id }),
      need: 'platform:audit:read',
    }),
  },
  {
    looksLike: /^org_/,
    destination: (tenant) => ({
      label: `Tenant ${tenant}`,
      to: at('/tenants', { tenant }),
      need: 'platform:tenants:read',
      where: 'outside',
    }),
  },
  {
    looksLike: /^(puser_|ak_|flm_)/,
    destination: (actor) => ({
      label: `What ${actor} did`,
      to: at('/audit', { actor }),
      need: 'platform:audit:read',
    }),
  },
  {
    looksLike: /^[A-Za-z0-9][\w.:@-]*$/,
    destination: (user_id) => ({
      label: `Hidden keys of the user ${user_id}`,
      to: at('/hidden-keys', { user_id }),
      need: 'platform:hidden_keys:read',
    }),
  },
  {
    looksLike: /./,
    destination: (name) => ({
      label: `API keys named ${name}`,
      to: at('/api-keys', { name }),
      need: 'platform:keys:read',
    }),
  },
  {
    looksLike: /./,
    destination: (name) => ({
      label: `Tenants named ${name}`,
      to: at('/tenants', { name }),
      need: 'platform:tenants:read',
      where: 'outside',
    }),
  },
];

/** Views that a text may mean, the likeliest first. `text` holds no secret. */
export function destinationsOf(text: string): Destination[] {
  if (text === '') return [];
  return rules.filter(({ looksLike }) => looksLike.test(text)).map(({ destination }) => destination(text));
}

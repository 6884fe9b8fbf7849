import { readTime } from '../../sdk/input-rules.ts';
import { Refusal, UsageError } from '../failure.ts';
import type { Login } from './credentials-file.ts';

/** Scope of a command: the platform, one organization, or either. */
export type Audience = 'platform' | 'organization' | 'either';

export type Available = {
  server: string;
  /** The organization to impersonate. */
  asOrg: string | undefined;
  apiKey: string | undefined;
  login: Login | undefined;
};

const platformKey = /^flplatform_/;
const tenantKey = /^flkey_/;

/**
 * FLOWPLATE_API_KEY where it fits: a platform key everywhere, a tenant key inside its own
 * organization. Otherwise the stored login, so that a tenant key left over from `platform
 * create-admin` does not interfere.
 */
export function chooseCredential(audience: Audience, available: Available, now = new Date()): string {
  const { apiKey, asOrg } = available;
  if (apiKey !== undefined && !platformKey.test(apiKey) && !tenantKey.test(apiKey)) {
    throw new UsageError(
      'FLOWPLATE_API_KEY is neither a platform key (flplatform_…) nor a tenant key (flkey_…)',
    );
  }
  const isTenants = audience !== 'platform' && asOrg === undefined;
  if (apiKey !== undefined && tenantKey.test(apiKey) && isTenants) return apiKey;
  if (audience === 'organization' && asOrg === undefined) {
    throw new UsageError('say in which organization: add --as-org <organization_id>');
  }
  return apiKey !== undefined && platformKey.test(apiKey) ? apiKey : tokenOf(available, now);
}

function tokenOf({ login, server }: Available, now: Date): string {
  if (login === undefined) {
    throw new Refusal(
      `you are not logged in to ${server}. Log in with flowplate platform login, or set FLOWPLATE_API_KEY`,
    );
  }
  const { time: end } = readTime(login.expires_at, 'start');
  if (end !== undefined && end > now) return login.token;
  throw new Refusal(`your login to ${server} is over. Log in again: flowplate platform login`);
}

/** The tenant key that creates the first operator. */
export function requireTenantKey(apiKey: string | undefined): string {
  if (apiKey !== undefined && tenantKey.test(apiKey)) return apiKey;
  throw new UsageError('set FLOWPLATE_API_KEY to a tenant key (flkey_…); no other credential can do this');
}

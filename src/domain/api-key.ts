import type { KeyStatus } from './user-key.ts';

/**
 * The organization of what belongs to no tenant. No caller can spell it: ids that callers bring
 * begin with a letter or a digit.
 */
export const platformOrganizationId = '_platform';

/**
 * Tenant and platform keys have no environment in their text; this is where they are unless told
 * otherwise.
 */
export const defaultEnvironment = 'default';

/**
 * A key that stands for a program of a tenant (`flkey_`) or of the platform itself (`flplatform_`).
 */
export type ApiKey = {
  id: string;
  kind: 'tenant' | 'platform';
  name: string;
  description: string | null;
  keyPrefix: string;
  /** The last characters of the secret: a part of its checksum, so nothing hidden is shown. */
  keySuffix: string;
  organizationId: string;
  environment: string;
  scopes: string[];
  /** Of a platform key: what it may do. */
  roleIds: string[];
  status: KeyStatus;
  enabled: boolean;
  expiresAt: Date | null;
  revokedAt: Date | null;
  revision: number;
  createdAt: Date;
  updatedAt: Date;
};

/**
 * A name as searches compare it: in whatever case, and however its characters were composed
 * (Unicode's NFKC).
 */
export function toNameKey(name: string): string {
  return name.normalize('NFKC').toLowerCase();
}

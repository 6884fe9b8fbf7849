import type { RevocationReason } from './revocation-reason.ts';
import type { KeyStatus } from './user-key.ts';

/**
 * Organization id of everything that belongs to no tenant. Callers cannot spell it: their ids begin
 * with a letter or a digit.
 */
export const platformOrganizationId = '_platform';

/** Environment of tenant and platform keys unless one is set. Their secrets do not name it. */
export const defaultEnvironment = 'default';

/** API key of a program: of a tenant (`flkey_`), or of the platform itself (`flplatform_`). */
export type ApiKey = {
  id: string;
  kind: 'tenant' | 'platform';
  name: string;
  description: string | null;
  keyPrefix: string;
  /** Last characters of the secret, part of its checksum. They reveal nothing hidden. */
  keySuffix: string;
  organizationId: string;
  environment: string;
  scopes: string[];
  /** Roles of a platform key: its permissions. */
  roleIds: string[];
  status: KeyStatus;
  enabled: boolean;
  expiresAt: Date | null;
  revokedAt: Date | null;
  /** Null until it is revoked, and where no reason was given. */
  revokedReason: RevocationReason | null;
  revision: number;
  createdAt: Date;
  updatedAt: Date;
};

/** Search key of a name: case-folded and normalised (Unicode NFKC). */
export function toNameKey(name: string): string {
  return name.normalize('NFKC').toLowerCase();
}

import type { MasterKeyPermission } from './permission.ts';
import type { MasterKeyPrincipal } from './principal.ts';
import type { RevocationReason } from './revocation-reason.ts';
import type { TokenRule } from './workload-token.ts';

/** Credential of an internal backend or a gateway, with its rights. A `null` list allows all. */
export type MasterKey = {
  id: string;
  name: string;
  /** Null for an operator-chosen secret: no part of it may be shown. */
  keyPrefix: string | null;
  /** Whom the certificate names that is its credential; null for one with a secret. */
  certificate: string | null;
  /** Rule for the workload tokens that are its credential; null for one with a secret. */
  token: TokenRule | null;
  permissions: MasterKeyPermission[];
  organizationIds: string[] | null;
  environments: string[] | null;
  ipAllowlist: string[] | null;
  expiresAt: Date | null;
  revokedAt: Date | null;
  /** Null until it is revoked, and where no reason was given. */
  revokedReason: RevocationReason | null;
  createdAt: Date;
  revision: number;
};

/** Minimum length of an operator-chosen secret. A shorter one is refused before any hashing. */
export const chosenSecretLengthMin = 32;

export type MasterKeyStatus = 'active' | 'expired' | 'revoked';

export function statusOf({ revokedAt, expiresAt }: MasterKey, nowMs: number): MasterKeyStatus {
  if (revokedAt !== null) return 'revoked';
  return expiresAt !== null && expiresAt.getTime() <= nowMs ? 'expired' : 'active';
}

export function isUsable(masterKey: MasterKey, nowMs: number): boolean {
  return statusOf(masterKey, nowMs) === 'active';
}

export function toPrincipal(masterKey: MasterKey): MasterKeyPrincipal {
  return {
    kind: 'master_key',
    id: masterKey.id,
    name: masterKey.name,
    permissions: masterKey.permissions,
    organizationIds: masterKey.organizationIds,
    environments: masterKey.environments,
  };
}

import type { MasterKeyPermission } from '../../domain/permission.ts';
import type { Key, KeyFilter, Propagated } from '../api-types.ts';
import type { Changed, Deleted, Done } from './common-types.ts';

type ApiKeyCommon = {
  id: string;
  name: string;
  description: string | null;
  /** How the secret begins: `flkey_…` or `flplatform_…` and its first 8 characters. */
  prefix: string;
  suffix: string;
  platform: boolean;
  scopes: string[];
  /** What a platform key may do. */
  role_ids: string[];
  /** Null for a platform key, as its organization is. */
  environment: string | null;
  organization_id: string | null;
  expires_at: string | null;
  created_at: string;
};

/** A key of a tenant, or of the platform itself. Never the secret. */
export type ApiKey = ApiKeyCommon & {
  key_masked: string;
  status: 'active' | 'revoked' | 'expired' | 'disabled';
  revoked_at: string | null;
  updated_at: string;
  last_used_at: string | null;
  usage: Key['usage'];
};

/** `key` is the secret, shown this once. */
export type CreatedApiKey = ApiKeyCommon & { key: string };
export type RotatedApiKey = CreatedApiKey & Propagated;
export type RevokedApiKey = Pick<ApiKey, 'id' | 'status' | 'revoked_at'> & {
  success: true;
  message: string;
} & Propagated;

export type NewApiKey = {
  name: string;
  description?: string | null | undefined;
  scopes?: readonly string[] | undefined;
  /** Of a platform key; those of its maker unless set, and never more. */
  role_ids?: readonly string[] | undefined;
  /** Of a tenant key; `default` unless set. */
  environment?: string | undefined;
  expires_at?: string | null | undefined;
  platform?: boolean | undefined;
};

export type ApiKeyFilter = {
  /** A part of it. */
  name?: string | undefined;
  prefix?: string | undefined;
  status?: ApiKey['status'] | undefined;
  scope?: string | undefined;
  /** Never used, or not at or after this time. */
  unused_since?: string | undefined;
  created_before?: string | undefined;
  /** Active now, with an expiry that is to come before this time. */
  expires_before?: string | undefined;
  /** Only platform keys, or none of them. */
  platform?: boolean | undefined;
  organization_id?: string | undefined;
};

export type MasterKey = {
  id: string;
  name: string;
  /** Null for a secret that somebody chose. */
  key_prefix: string | null;
  permissions: MasterKeyPermission[];
  /** Null here and below: not limited. */
  organization_ids: string[] | null;
  environments: string[] | null;
  ip_allowlist: string[] | null;
  status: 'active' | 'expired' | 'revoked';
  expires_at: string | null;
  revoked_at: string | null;
  created_at: string;
  /** When it was last let in, readable ten seconds later. */
  last_used_at: string | null;
  /** How many keys it has minted, those that have ended since included. */
  minted_count: number;
};

/** `key` is the secret, shown this once. */
export type MasterKeyWithSecret = MasterKey & { key: string };
export type RotatedMasterKey = MasterKeyWithSecret & { previous_id: string } & Propagated;
export type RevokedMasterKey = Done & { message: string } & Propagated;

export type MasterKeyFilter = {
  /** A part of the name. */
  name?: string | undefined;
  status?: MasterKey['status'] | undefined;
};

export type NewMasterKey = {
  name: string;
  permissions?: readonly MasterKeyPermission[] | undefined;
  organization_ids?: readonly string[] | undefined;
  environments?: readonly string[] | undefined;
  ip_allowlist?: readonly string[] | undefined;
  expires_at?: string | undefined;
};

export type HiddenKeyFilter = KeyFilter & {
  /** What `key_prefix` begins with. */
  prefix?: string | undefined;
};

export type ApiUser = {
  user_id: string;
  name: string;
  email: string | null;
  role: 'user' | 'admin';
  is_active: boolean;
  created_at: string;
  updated_at: string;
  usage: {
    total_requests: number;
    /** Absent until the first request, as the first one is. */
    last_used_at?: string | undefined;
    first_used_at?: string | undefined;
    requests_today: number;
    last_reset: string;
  };
};

export type NewApiUser = {
  name: string;
  email?: string | null | undefined;
  /** `user` unless set. */
  role?: ApiUser['role'] | undefined;
};
export type ApiUserChanges = Changed<NewApiUser> & { is_active?: boolean | undefined };
/** `api_key` is the secret, shown this once. */
export type CreatedApiUser = { user: ApiUser; api_key: string; warning: string };
/** What ends a key says how far that has come only while some verifier does not know yet. */
export type UpdatedApiUser = ApiUser & Partial<Propagated>;
export type RotatedApiUserKey = { success: true; api_key: string; warning: string } & Partial<Propagated>;
export type DeletedApiUser = Deleted & Partial<Propagated>;

import type { ActorKind, AuditEventType } from '../../domain/audit-event.ts';
import type { PlatformPermission } from '../../domain/permission.ts';
import type { Changed } from './common-types.ts';

export type PlatformUser = {
  id: string;
  email: string;
  name: string;
  is_active: boolean;
  role_ids: string[];
  last_login_at: string | null;
  created_at: string;
  updated_at: string;
};

export type NewPlatformUser = {
  email: string;
  password: string;
  name: string;
  role_ids?: readonly string[] | undefined;
};

export type PlatformUserChanges = Changed<NewPlatformUser> & { is_active?: boolean | undefined };

export type PlatformUserFilter = {
  /** A part of the name or the e-mail address. */
  search?: string | undefined;
  is_active?: boolean | undefined;
  /** `created` unless set. */
  sort?: 'created' | 'email' | 'name' | 'status' | 'last_login' | undefined;
  /** `asc` unless set, and `desc` by `created`. */
  order?: 'asc' | 'desc' | undefined;
};

export type Login = { token: string; expires_at: string; user: PlatformUser };

/** Who a credential stands for, and what it may do at this moment. */
export type Me = {
  kind: 'platform_user' | 'platform_key';
  id: string;
  name: string;
  role_ids: string[];
  permissions: PlatformPermission[];
};

export type Role = {
  id: string;
  name: string;
  description: string | null;
  permissions: PlatformPermission[];
  built_in: boolean;
  created_at: string;
  updated_at: string;
};

export type RoleRequest = {
  name: string;
  description?: string | null | undefined;
  permissions: readonly PlatformPermission[];
};

export type Tenant = {
  id: string;
  name: string;
  status: 'active' | 'suspended' | 'deleted';
  created_at: string;
};

/** Counts go up to 10000, which stands for that many or more. */
export type ShownTenant = Tenant & {
  counts: {
    tenant_keys: number;
    active_tenant_keys: number;
    hidden_keys: number;
    environments: number;
  };
  /** The names of the newest hundred. */
  environments: string[];
};

export type TenantFilter = {
  /** A part of the name. */
  name?: string | undefined;
  /** Deleted ones are listed only when asked for. */
  status?: Tenant['status'] | undefined;
};

export type TenantChanges = { name?: string | undefined; status?: 'active' | 'suspended' | undefined };

export type Environment = { id: string; name: string; created_at: string };

export type AuditFilter = {
  event_type?: AuditEventType | undefined;
  /** A time, or a day in UTC from its beginning. */
  from?: string | undefined;
  /** Before this time, or a day in UTC to its end. */
  to?: string | undefined;
  actor?: string | undefined;
  organization_id?: string | undefined;
  /** The id of what it is about: a key, a user, a tenant, a role. */
  target_id?: string | undefined;
  result?: 'success' | 'refused' | undefined;
};

export type AuditEvent = {
  id: string;
  event_type: AuditEventType;
  scope: 'platform' | 'organization';
  actor: { kind: ActorKind; id: string };
  organization_id: string | null;
  /** The organization that an operator was acting in. */
  on_behalf_of: string | null;
  target_id: string;
  /** The `trace_id` of the request. */
  request_id: string | null;
  result: 'success' | 'refused';
  details: Record<string, unknown>;
  created_at: string;
};

export type AuditRange = {
  from_seq?: number | undefined;
  limit?: number | undefined;
  /** A head that was kept elsewhere: only with it is seen that the newest events were cut off. */
  seq?: number | undefined;
  hash?: string | undefined;
};

/**
 * What is wrong at the first place where something is; docs/operations.md says what each one means.
 */
export type AuditFault =
  | 'changed'
  | 'event_missing'
  | 'seal_missing'
  | 'head_invalid'
  | 'head_unknown_pepper'
  | 'unsigned'
  | 'truncated'
  | 'anchor_mismatch'
  | 'stray';

export type AuditVerification = {
  valid: boolean;
  sealed_through: number;
  verified_through: number;
  events: number;
  unsealed: number;
  first_fault: { seq: number | null; event_id: string | null; kind: AuditFault } | null;
  head: { seq: number; hash: string; sealed_at: string; pepper_id: string } | null;
};

export type PlatformStats = {
  total_keys: number;
  active_keys: number;
  expired_keys: number;
  api_calls_today: number;
};

import { type RawBuilder, sql } from 'kysely';
import { platformOrganizationId, toNameKey } from '../../../domain/api-key.ts';
import { idFloor } from '../../../domain/ids.ts';
import type { KeyStatus } from '../../../domain/user-key.ts';
import { statusCondition } from '../user-keys/user-keys.ts';
import type { ApiKeyReach } from './api-keys.ts';
import { trigramLength } from './names.ts';

/** Undefined fields do not filter. */
export type ApiKeyFilter = {
  organizationId?: string | undefined;
  isPlatform?: boolean | undefined;
  /** Substring of the name, in any case. */
  name?: string | undefined;
  /** Prefix of the shown part of the secret. */
  prefix?: string | undefined;
  /** The shown end of the secret, whole. */
  suffix?: string | undefined;
  status?: Exclude<KeyStatus, 'superseded'> | 'disabled' | undefined;
  scope?: string | undefined;
  /** Never used, or not since this time. */
  unusedSince?: Date | undefined;
  createdBefore?: Date | undefined;
  /** Active, and expires before this time. */
  expiresBefore?: Date | undefined;
  now: Date;
};

export type Condition = RawBuilder<boolean>;

/** Conditions on the part of the table with the visible keys. */
export function placeConditions(reach: ApiKeyReach, filter: ApiKeyFilter): Condition[] {
  const wanted = filter.isPlatform === true ? platformOrganizationId : filter.organizationId;
  return [
    // Spelled as in the partial indexes.
    sql`kind IN ('tenant', 'platform')`,
    // An id begins with its time, so the walk starts there.
    ...(filter.createdBefore === undefined
      ? []
      : [sql<boolean>`id < ${idFloor('apiKey', filter.createdBefore)}`]),
    ...(filter.isPlatform === false ? [sql<boolean>`kind = 'tenant'`] : []),
    ...(wanted === undefined ? [] : [sql<boolean>`organization_id = ${wanted}`]),
    ...(reach.organizationId === null
      ? []
      : [sql<boolean>`kind = 'tenant' AND organization_id = ${reach.organizationId}`]),
  ];
}

export function after(before: string | undefined): Condition[] {
  return before === undefined ? [] : [sql<boolean>`id < ${before}`];
}

/** Conditions that an index can answer. */
export function indexedConditions({ name, prefix, scope, expiresBefore, now }: ApiKeyFilter): Condition[] {
  return [
    ...(name === undefined ? [] : [nameCondition(toNameKey(name))]),
    ...(prefix === undefined ? [] : [sql<boolean>`key_prefix COLLATE "C" ^@ ${prefix}`]),
    ...(scope === undefined ? [] : [sql<boolean>`scopes @> ARRAY[${scope}]::text[]`]),
    ...(expiresBefore === undefined
      ? []
      : [
          sql<boolean>`(status = 'active' AND expires_at IS NOT NULL AND expires_at > ${now} AND expires_at < ${expiresBefore})`,
        ]),
  ];
}

/** The other conditions, checked for each key. */
export function otherConditions({ suffix, status, unusedSince, now }: ApiKeyFilter): Condition[] {
  return [
    ...(suffix === undefined ? [] : [sql<boolean>`key_suffix = ${suffix}`]),
    ...(status === undefined ? [] : [statusCondition(status, now)]),
    // A subquery: with a join the planner would read all of usage_totals.
    ...(unusedSince === undefined
      ? []
      : [
          sql<boolean>`coalesce(
            (SELECT last_used_at FROM usage_totals WHERE lineage_id = api_keys.id), '-infinity') < ${unusedSince}`,
        ]),
  ];
}

/** `strpos` knows no wildcards. */
function nameCondition(nameKey: string): Condition {
  return sql<boolean>`strpos(name_key, ${nameKey}) > 0`;
}

/**
 * Whether an index finds the matching keys. Under row-level security an index accepts only
 * leakproof operators (PostgreSQL documentation, "Rules and Privileges"). For a tenant those are
 * the ones on prefix and expiry.
 */
export function isFoundByIndex(reach: ApiKeyReach, filter: ApiKeyFilter): boolean {
  if (filter.prefix !== undefined || filter.expiresBefore !== undefined) return true;
  if (reach.organizationId !== null) return false;
  return filter.scope !== undefined || nameInIndex(reach, filter) !== undefined;
}

/** Search key of the name for the index of names; undefined when the index does not help. */
export function nameInIndex(reach: ApiKeyReach, { name }: ApiKeyFilter): string | undefined {
  if (name === undefined || reach.organizationId !== null) return undefined;
  const nameKey = toNameKey(name);
  return [...nameKey].length >= trigramLength ? nameKey : undefined;
}

/** Whether only a name filters, so that a walk through the names is enough. */
export function isNameAlone(reach: ApiKeyReach, filter: ApiKeyFilter): boolean {
  const { now: _, name, ...others } = filter;
  const isNarrowed = Object.values(others).some((value) => value !== undefined);
  return name !== undefined && reach.organizationId === null && !isNarrowed;
}

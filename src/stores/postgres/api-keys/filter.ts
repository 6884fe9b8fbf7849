import { type RawBuilder, sql } from 'kysely';
import { platformOrganizationId, toNameKey } from '../../../domain/api-key.ts';
import { idFloor } from '../../../domain/ids.ts';
import type { KeyStatus } from '../../../domain/user-key.ts';
import { statusCondition } from '../user-keys/user-keys.ts';
import type { ApiKeyReach } from './api-keys.ts';
import { trigramLength } from './names.ts';

/** What is undefined does not narrow. */
export type ApiKeyFilter = {
  organizationId?: string | undefined;
  isPlatform?: boolean | undefined;
  /** Some part of the name, in whatever case. */
  name?: string | undefined;
  /** How the shown part of the secret begins. */
  prefix?: string | undefined;
  status?: Exclude<KeyStatus, 'superseded'> | 'disabled' | undefined;
  scope?: string | undefined;
  /** Never used, or not since then. */
  unusedSince?: Date | undefined;
  createdBefore?: Date | undefined;
  /** Active, with an expiry that is to come before then. */
  expiresBefore?: Date | undefined;
  now: Date;
};

export type Condition = RawBuilder<boolean>;

/** In which part of the table the keys lie that are there for this caller, and were asked for. */
export function placeConditions(reach: ApiKeyReach, filter: ApiKeyFilter): Condition[] {
  const wanted = filter.isPlatform === true ? platformOrganizationId : filter.organizationId;
  return [
    // As the partial indexes spell it.
    sql`kind IN ('tenant', 'platform')`,
    // An id begins with its time, so a walk begins where these do.
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

/** Those that an index can find the few keys for. */
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

/** The rest, which has to be asked of each key. */
export function otherConditions({ status, unusedSince, now }: ApiKeyFilter): Condition[] {
  return [
    ...(status === undefined ? [] : [statusCondition(status, now)]),
    // A join would be planned as if all of usage_totals were needed.
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
 * Whether an index finds the few keys among many. Under row-level security only operators that leak
 * nothing may be asked of an index (PostgreSQL documentation, "Rules and Privileges"): for a tenant
 * those are about prefix and expiry.
 */
export function isFoundByIndex(reach: ApiKeyReach, filter: ApiKeyFilter): boolean {
  if (filter.prefix !== undefined || filter.expiresBefore !== undefined) return true;
  if (reach.organizationId !== null) return false;
  return filter.scope !== undefined || nameInIndex(reach, filter) !== undefined;
}

/**
 * The name that was asked for, as the index of names knows it; undefined when that is of no use
 * here.
 */
export function nameInIndex(reach: ApiKeyReach, { name }: ApiKeyFilter): string | undefined {
  if (name === undefined || reach.organizationId !== null) return undefined;
  const nameKey = toNameKey(name);
  return [...nameKey].length >= trigramLength ? nameKey : undefined;
}

/**
 * Whether nothing but a name narrows what there is, so that it is enough to walk through the names.
 */
export function isNameAlone(reach: ApiKeyReach, filter: ApiKeyFilter): boolean {
  const { now: _, name, ...others } = filter;
  const isNarrowed = Object.values(others).some((value) => value !== undefined);
  return name !== undefined && reach.organizationId === null && !isNarrowed;
}

import { type RawBuilder, sql } from 'kysely';
import { platformOrganizationId, toNameKey } from '../../domain/api-key.ts';
import type { KeyStatus } from '../../domain/key.ts';
import type { ApiKeyReach } from './api-keys.ts';
import { statusCondition } from './keys.ts';

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
  now: Date;
};

export type Condition = RawBuilder<boolean>;

/** In which part of the table the keys lie that are there for this caller, and were asked for. */
export function placeConditions(reach: ApiKeyReach, filter: ApiKeyFilter): Condition[] {
  const wanted = filter.isPlatform === true ? platformOrganizationId : filter.organizationId;
  return [
    // As the partial indexes spell it.
    sql`kind IN ('tenant', 'platform')`,
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
export function indexedConditions({ name, prefix, scope }: ApiKeyFilter): Condition[] {
  return [
    ...(name === undefined ? [] : [nameCondition(toNameKey(name))]),
    ...(prefix === undefined ? [] : [sql<boolean>`key_prefix COLLATE "C" ^@ ${prefix}`]),
    ...(scope === undefined ? [] : [sql<boolean>`scopes @> ARRAY[${scope}]::text[]`]),
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

const trigramLength = 3;

/** `strpos` knows no wildcards. The trigrams add nothing but a use for their index. */
function nameCondition(nameKey: string): Condition {
  const contains = sql<boolean>`strpos(name_key, ${nameKey}) > 0`;
  if ([...nameKey].length < trigramLength) return contains;
  return sql`(name_trigrams(name_key) @> name_trigrams(${nameKey}) AND ${contains})`;
}

/**
 * Whether an index finds the few keys among many. Under row-level security only operators that leak nothing may be asked of an
 * index (PostgreSQL documentation, "Rules and Privileges"): for a tenant that is the prefix alone.
 */
export function isFoundByIndex(reach: ApiKeyReach, { name, prefix, scope }: ApiKeyFilter): boolean {
  if (prefix !== undefined) return true;
  if (reach.organizationId !== null) return false;
  return scope !== undefined || (name !== undefined && [...toNameKey(name)].length >= trigramLength);
}

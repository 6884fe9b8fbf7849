import { type RawBuilder, sql } from 'kysely';
import type { HygieneFinding, HygieneQuestion } from '../../../domain/hygiene.ts';
import { idFloor } from '../../../domain/ids.ts';
import { hasUnaskedScopes } from './asked-scopes.ts';
import { rotationDueAt } from './rotation-due.ts';
import { isPredecessorUsed } from './superseded-uses.ts';

/**
 * Filters that no index serves: a key is looked at to know. A list with one of them walks the keys
 * in bounded ranges (walk-keys.ts).
 */
export type WalkedFilter = {
  /** Exclusive. */
  createdBefore?: Date | undefined;
  /** Inclusive. */
  createdAfter?: Date | undefined;
  /** A key without an end never matches. */
  expiresBefore?: Date | undefined;
  /** No accepted call since then; a younger key does not match. */
  unusedSince?: Date | undefined;
  /** Whether no call was ever accepted. */
  neverUsed?: boolean | undefined;
  scope?: string | undefined;
  /** Active keys of which one of these is true. */
  hygiene?: HygieneQuestion | undefined;
};

const names = [
  'createdBefore',
  'createdAfter',
  'expiresBefore',
  'unusedSince',
  'neverUsed',
  'scope',
  'hygiene',
] as const;

export function isWalked(filter: WalkedFilter): boolean {
  return names.some((name) => filter[name] !== undefined);
}

/**
 * Last accepted call of the line, known when it is counted. A subquery for each key, and no join:
 * Postgres would read all uses for one page.
 */
const lastUse = sql`(SELECT last_used_at FROM usage_totals WHERE usage_totals.lineage_id = api_keys.lineage_id)`;

/** The time of a mint is in the id, which is the order of every list. */
const isOlder = (at: Date) => sql<boolean>`id < ${idFloor('key', at)}`;

/** `findingsOf` of domain/hygiene.ts in SQL. */
function findingCondition(finding: HygieneFinding, question: HygieneQuestion): RawBuilder<boolean> {
  const { unusedSince, expiresBefore, createdBefore, unaskedSince, now } = question;
  return {
    never_used: sql<boolean>`(${isOlder(unusedSince)} AND ${lastUse} IS NULL)`,
    unused: sql<boolean>`(${isOlder(unusedSince)} AND ${lastUse} < ${unusedSince})`,
    expiring: sql<boolean>`(expires_at < ${expiresBefore})`,
    without_expiry: sql<boolean>`(expires_at IS NULL)`,
    beyond_age: isOlder(createdBefore),
    rotation_due: sql<boolean>`(${rotationDueAt('api_keys')} > ${now} AND ${rotationDueAt('api_keys')} < ${expiresBefore})`,
    overaged: sql<boolean>`(${rotationDueAt('api_keys')} <= ${now})`,
    predecessor_used: isPredecessorUsed(now),
    scope_unasked: hasUnaskedScopes(unaskedSince),
  }[finding];
}

const conditions: {
  [Name in keyof WalkedFilter]-?: (value: NonNullable<WalkedFilter[Name]>) => RawBuilder<boolean>;
} = {
  createdBefore: isOlder,
  createdAfter: (at) => sql<boolean>`id >= ${idFloor('key', at)}`,
  expiresBefore: (at) => sql<boolean>`expires_at < ${at}`,
  unusedSince: (at) => sql<boolean>`(${isOlder(at)} AND coalesce(${lastUse} < ${at}, true))`,
  neverUsed: (isNever) => (isNever ? sql<boolean>`${lastUse} IS NULL` : sql<boolean>`${lastUse} IS NOT NULL`),
  scope: (scope) => sql<boolean>`${scope} = any(scopes)`,
  hygiene: (question) => {
    const found = question.findings.map((finding) => findingCondition(finding, question));
    return sql<boolean>`(status = 'active' AND (${sql.join(found, sql` OR `)}))`;
  },
};

export function walkedConditions(filter: WalkedFilter): RawBuilder<boolean>[] {
  return names.flatMap((name) => {
    const value = filter[name];
    const condition = conditions[name] as (value: unknown) => RawBuilder<boolean>;
    return value === undefined ? [] : [condition(value)];
  });
}

import type { Clock } from '../../domain/clock.ts';
import { brokenRules, type OrganizationPolicy, type PolicyRule } from '../../domain/organization-policy.ts';
import type { VisibleScope } from '../../domain/principal.ts';
import { statusAt } from '../../domain/user-key.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { type GovernedKey, listGovernedKeys } from '../../stores/postgres/organizations/governed-keys.ts';
import { visiblePolicyOf } from './policy-of.ts';

export type PolicyReportRequest = {
  /** An edit that is not saved; the current policy unless set. */
  policy?: OrganizationPolicy | undefined;
  /** Most keys that a page lists. */
  limit: number;
  /** Last key that the previous page examined. */
  before?: string | undefined;
};

export type NonCompliantKey = { key: GovernedKey; rules: PolicyRule[] };

export type PolicyReport = {
  /** Active keys that this page examined. */
  examined: number;
  items: NonCompliantKey[];
  /** Last key that this page examined; undefined on the last page. */
  next: string | undefined;
};

/** Some 20 ms each on two cores. */
const sliceMax = 1_000;
/** Rows of one page, ended keys included: a tenth of a second among a million keys. */
const rowsMax = 10_000;

/**
 * A page of the active keys that break a policy, or would; the newest first. A page ends after
 * 10,000 keys or `limit` finds, so that its time does not grow with the number of keys.
 * `ORGANIZATION_NOT_FOUND` also when deleted.
 */
export async function reportOnPolicy(
  { db, clock }: { db: Db; clock: Clock },
  principal: VisibleScope,
  organizationId: string,
  { policy: edited, limit, before }: PolicyReportRequest,
): Promise<PolicyReport> {
  const current = await visiblePolicyOf(db, principal, organizationId);
  const policy = edited ?? current.policy;
  const report: PolicyReport = { examined: 0, items: [], next: before };
  if (policy === null) return { ...report, next: undefined };
  const now = clock.now();
  for (let rows = 0; rows < rowsMax; rows += sliceMax) {
    const slice = await listGovernedKeys(db, organizationId, sliceMax, report.next);
    for (const key of slice) {
      report.next = key.id;
      if (statusAt(key, now) !== 'active') continue;
      report.examined++;
      const rules = brokenRules(policy, key, key.createdAt).map(({ rule }) => rule);
      if (rules.length > 0) report.items.push({ key, rules });
      if (report.items.length === limit) return report;
    }
    if (slice.length < sliceMax) return { ...report, next: undefined };
  }
  return report;
}

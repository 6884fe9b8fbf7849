import type { Clock } from '../../domain/clock.ts';
import { requireReach, type VisibleScope } from '../../domain/principal.ts';
import type { Db } from '../../stores/postgres/database.ts';
import {
  listOrganizationUsage as findOrganizationUsage,
  listUsageDays,
  listUsageOfAll,
  type OrganizationUsage as Sums,
  type UsageDay,
} from '../../stores/postgres/usage/organization-usage.ts';
import { wholeSteps } from '../usage/usage-range.ts';

export type { UsageDay };

export type OrganizationUsage = {
  from: Date;
  to: Date;
  organizations: (Sums & { days: UsageDay[] })[];
  /** All organizations together, those beyond `limit` included. */
  all: UsageDay[];
};

export type OrganizationUsageRequest = {
  from?: Date | undefined;
  to?: Date | undefined;
  organizationId?: string | undefined;
  limit: number;
};

/** Longest range: a quarter. With 10,000 busy organizations it sums up 900,000 rows. */
const daysMax = 92;

/**
 * Calls by organization and UTC day, the most used organizations first; the last 30 days by
 * default. `VALIDATION_ERROR` for an empty or too long range. `ORGANIZATION_NOT_FOUND` when another
 * organization than the impersonated one is asked for.
 */
export async function listOrganizationUsage(
  { db, clock }: { db: Db; clock: Clock },
  principal: Pick<VisibleScope, 'organizationIds'>,
  { from, to, organizationId, limit }: OrganizationUsageRequest,
): Promise<OrganizationUsage> {
  const range = wholeSteps({ from, to, granularity: 'day' }, clock.now(), daysMax);
  if (organizationId !== undefined) requireReach(principal, organizationId);
  const organizationIds = organizationId === undefined ? principal.organizationIds : [organizationId];
  const sums = await findOrganizationUsage(db, range, { organizationIds }, limit);
  const shown = sums.map(({ id }) => id);
  const [days, all] = await Promise.all([
    listUsageDays(db, range, shown),
    listUsageOfAll(db, range, { organizationIds }),
  ]);
  const byId = Map.groupBy(days, (day) => day.organizationId);
  const organizations = sums.map((each) => ({ ...each, days: byId.get(each.id) ?? [] }));
  return { from: range.from, to: range.to, organizations, all };
}

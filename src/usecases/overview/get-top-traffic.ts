import type { Clock } from '../../domain/clock.ts';
import type { PlatformPrincipal } from '../../domain/principal.ts';
import { startOfPeriod } from '../../domain/usage.ts';
import type { Db } from '../../stores/postgres/database.ts';
import {
  type KeyTraffic,
  listTopKeys,
  listTopOrganizations,
  type OrganizationTraffic,
} from '../../stores/postgres/usage/traffic.ts';

export type TopTraffic = {
  day: Date;
  /** Null for who may not read tenants. */
  tenants: OrganizationTraffic[] | null;
  keys: KeyTraffic[];
};

/**
 * Those with the most accepted calls on a UTC day, today unless told otherwise; hidden keys only
 * for who may read them.
 */
export async function getTopTraffic(
  { db, clock }: { db: Db; clock: Clock },
  principal: PlatformPrincipal,
  { day = clock.now(), limit }: { day?: Date | undefined; limit: number },
): Promise<TopTraffic> {
  const may = (permission: PlatformPrincipal['permissions'][number]) =>
    principal.permissions.includes(permission);
  const tenants = may('platform:tenants:read') ? await listTopOrganizations(db, day, limit) : null;
  const shown = await listTopKeys(db, 'shown', day, limit);
  const hidden = may('platform:hidden_keys:read') ? await listTopKeys(db, 'hidden', day, limit) : [];
  const keys = [...shown, ...hidden].sort((one, other) => other.accepted - one.accepted).slice(0, limit);
  return { day: startOfPeriod('day', day), tenants, keys };
}

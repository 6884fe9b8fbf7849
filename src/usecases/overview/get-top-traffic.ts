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
  /** Null without the right to read tenants. */
  tenants: OrganizationTraffic[] | null;
  keys: KeyTraffic[];
};

/**
 * Most used tenants and keys by accepted calls on a UTC day, today by default. Hidden keys only
 * with the right to read them.
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

import type { MasterKeyPrincipal } from '../../domain/principal.ts';
import type { UsageFlush } from '../../domain/usage.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { listLineagesWithin } from '../../stores/postgres/lineages.ts';

export type ReportUsageParts = {
  db: Database;
  /** The same way that this process's own counts go: delivered twice, a flush counts once. */
  deliverUsage: (flush: UsageFlush) => Promise<void>;
};

/** Counts what an embedded verifier has decided. Keys outside the caller's allow-lists do not exist, so nothing is counted for them. */
export async function reportUsage(
  parts: ReportUsageParts,
  principal: MasterKeyPrincipal,
  flush: UsageFlush,
): Promise<void> {
  const { organizationIds, environments } = principal;
  if (organizationIds === null && environments === null) return parts.deliverUsage(flush);
  const lineageIds = [...new Set(flush.marks.map((mark) => mark.lineageId))];
  const visible = await listLineagesWithin(parts.db, lineageIds, { organizationIds, environments });
  const marks = flush.marks.filter((mark) => visible.has(mark.lineageId));
  if (marks.length > 0) await parts.deliverUsage({ id: flush.id, marks });
}

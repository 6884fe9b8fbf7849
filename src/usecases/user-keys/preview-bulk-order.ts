import type { FairBulkhead } from '../../concurrency/fair-bulkhead.ts';
import { type BulkAction, type BulkSelection, toBulkFilter } from '../../domain/bulk-order.ts';
import { confirmTokenLifeMs, newConfirmToken, recentSince } from '../../domain/confirm-token.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { type Caller, queueOf } from '../../domain/principal.ts';
import { countKeys, countRecentKeys, findKeys } from '../../stores/postgres/user-keys/walk-keys.ts';
import { findLastKeyChangeSeq } from '../../stores/postgres/verifiers/change-feed.ts';
import type { KeyWithUsage, ReadParts } from './key-with-usage.ts';
import { withUsage } from './keys-page.ts';

export type PreviewParts = ReadParts & { keyring: Keyring; reads: FairBulkhead };

export type BulkRequest = { action: BulkAction; selection: BulkSelection };

export type Preview = { count: number; sample: KeyWithUsage[]; confirmToken: string; expiresAt: Date };

const sampleMax = 20;

/**
 * Dry run of an order: how many keys the caller's selection has that the action would change, the
 * newest of them, and a token that confirms exactly this. Keys outside of the caller's allow-lists
 * are not among them.
 */
export function previewBulkOrder(
  parts: PreviewParts,
  { principal }: Caller,
  { action, selection }: BulkRequest,
): Promise<Preview> {
  return parts.reads.run(queueOf(principal), async () => {
    const now = parts.clock.now();
    const { organizationIds, environments } = principal;
    const filter = { ...selection, action, organizationIds, environments, now };
    // Before the count: a change in between is then taken for one that came later.
    const feedSeq = await findLastKeyChangeSeq(parts.db);
    const { count, newestMintNumber } = await countKeys(parts.db, filter);
    const { keys } = await findKeys(parts.db, filter, { limit: sampleMax });
    const expiresAt = new Date(now.getTime() + confirmTokenLifeMs);
    const expiresAtMs = expiresAt.getTime();
    const recent = await countRecentKeys(parts.db, filter, recentSince({ expiresAtMs }));
    const confirmToken = newConfirmToken(parts.keyring, principal, {
      ...{ action, filter: toBulkFilter(selection), count, newestMintNumber, feedSeq },
      recentCount: recent.count,
      expiresAtMs,
    });
    return { count, sample: await withUsage(parts.db, keys, now), confirmToken, expiresAt };
  });
}

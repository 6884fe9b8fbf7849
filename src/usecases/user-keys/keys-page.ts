import type { Bulkhead } from '../../concurrency/bulkhead.ts';
import type { Page } from '../../domain/page.ts';
import type { VisibleScope } from '../../domain/principal.ts';
import type { Key } from '../../domain/user-key.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { listUsageTotals } from '../../stores/postgres/usage/usage.ts';
import type { KeyFilter } from '../../stores/postgres/user-keys/user-keys.ts';
import { findKeys } from '../../stores/postgres/user-keys/walk-keys.ts';
import type { KeyWithUsage, ReadParts } from './key-with-usage.ts';

/** Filter of a list, without what the caller may see. */
export type KeySelection = Omit<KeyFilter, 'organizationIds' | 'environments' | 'now'>;

export type ListRequest = KeySelection & {
  limit: number;
  /** Where the previous page ended. */
  before?: string | undefined;
};

/** Keys of a selection that the principal may see, newest first, with their usage. */
export async function readKeysPage(
  parts: ReadParts,
  { organizationIds, environments }: VisibleScope,
  { limit, before, ...selection }: ListRequest,
): Promise<Page<KeyWithUsage>> {
  const now = parts.clock.now();
  const filter = { ...selection, organizationIds, environments, now };
  const { keys, next } = await findKeys(parts.db, filter, { limit, before });
  return { items: await withUsage(parts.db, keys, now), next };
}

const keysPerPage = 500;

export type ExportKeysParts = ReadParts & {
  /** Bounds the exports: each uses a connection again and again until it has read everything. */
  keyExports: Bulkhead;
};

/** All keys of a selection, in pages that are read when they are asked for. */
export async function* readKeysPages(
  parts: ReadParts,
  principal: VisibleScope,
  selection: KeySelection,
): AsyncGenerator<readonly KeyWithUsage[]> {
  for (let before: string | undefined; ; ) {
    const request = { ...selection, limit: keysPerPage, before };
    const { items, next } = await readKeysPage(parts, principal, request);
    if (items.length > 0) yield items;
    if (next === undefined) return;
    before = next;
  }
}

export async function withUsage(db: Db, keys: readonly Key[], now: Date): Promise<KeyWithUsage[]> {
  const totals = await listUsageTotals(
    db,
    keys.map((key) => key.lineageId),
    now,
  );
  return keys.map((key) => ({ key, usage: totals.get(key.lineageId) }));
}

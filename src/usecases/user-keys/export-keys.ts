import type { Bulkhead } from '../../concurrency/bulkhead.ts';
import type { VisibleScope } from '../../domain/principal.ts';
import type { KeyWithUsage, ReadParts } from './key-with-usage.ts';
import { type KeySelection, readKeysPage } from './keys-page.ts';

const keysPerPage = 500;

export type ExportKeysParts = ReadParts & {
  /** Bounds the exports: each uses a connection again and again until it has read everything. */
  keyExports: Bulkhead;
};

/**
 * All keys of a selection that the principal may see, newest first. A page is read when the
 * consumer asks for it, so a slow reader holds neither memory nor a connection. Rejects with
 * `OVERLOADED` before the first page when other exports run.
 */
export function exportKeys(
  parts: ExportKeysParts,
  principal: VisibleScope,
  selection: KeySelection,
): AsyncGenerator<readonly KeyWithUsage[]> {
  return parts.keyExports.stream(pages(parts, principal, selection));
}

async function* pages(parts: ReadParts, principal: VisibleScope, selection: KeySelection) {
  for (let before: string | undefined; ; ) {
    const { items, next } = await readKeysPage(parts, principal, {
      ...selection,
      limit: keysPerPage,
      before,
    });
    if (items.length > 0) yield items;
    if (next === undefined) return;
    before = next;
  }
}

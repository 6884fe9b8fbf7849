import type { VisibleScope } from '../../domain/principal.ts';
import type { KeyWithUsage } from './key-with-usage.ts';
import { type ExportKeysParts, type KeySelection, readKeysPages } from './keys-page.ts';

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
  return parts.keyExports.stream(readKeysPages(parts, principal, selection));
}

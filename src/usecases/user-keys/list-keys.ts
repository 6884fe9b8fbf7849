import type { Page } from '../../domain/page.ts';
import type { VisibleScope } from '../../domain/principal.ts';
import type { KeyWithUsage, ReadParts } from './key-with-usage.ts';
import { type ListRequest, readKeysPage } from './keys-page.ts';

/**
 * A page of the keys that the principal may see, newest first. It may have fewer keys than `limit`,
 * or none, and a next page: then many keys were looked at for it.
 */
export function listKeys(
  parts: ReadParts,
  principal: VisibleScope,
  request: ListRequest,
): Promise<Page<KeyWithUsage>> {
  return readKeysPage(parts, principal, request);
}

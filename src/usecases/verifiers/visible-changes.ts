import type { AppliedChange } from '../../domain/key-change.ts';
import type { MasterKeyPrincipal } from '../../domain/principal.ts';

/**
 * What of the feed concerns a verifier with this master key. Of keys the feed knows only the ids,
 * which open nothing; other organizations than those of its allow-list, and other master keys, do
 * not exist for it.
 */
export function visibleChanges(
  principal: MasterKeyPrincipal,
  changes: readonly AppliedChange[],
): AppliedChange[] {
  return changes.filter(({ kind, subjectId }) => {
    if (kind === 'master_key') return subjectId === principal.id;
    return kind === 'key' || isOrganizationVisible(principal, subjectId);
  });
}

export function isOrganizationVisible(principal: MasterKeyPrincipal, organizationId: string): boolean {
  return principal.organizationIds?.includes(organizationId) ?? true;
}

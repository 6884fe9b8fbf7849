import type { AppliedChange, ToldChange } from '../../domain/key-change.ts';
import type { MasterKeyPrincipal } from '../../domain/principal.ts';

/**
 * Filters the feed for a verifier with this master key. Feed entries of keys have ids only, which
 * reveal nothing. Organizations outside its allow-list and other master keys are left out.
 */
export function visibleChanges(
  principal: MasterKeyPrincipal,
  changes: readonly AppliedChange[],
): readonly ToldChange[] {
  const isVisible = (change: AppliedChange): change is ToldChange => {
    const { kind, subjectId } = change;
    if (kind === 'master_key') return subjectId === principal.id;
    if (kind === 'platform_user' || kind === 'role') return false;
    return kind === 'key' || isOrganizationVisible(principal, subjectId);
  };
  // Mostly all: the same array then, so that it is written as text once for all followers.
  return changes.every(isVisible) ? changes : changes.filter(isVisible);
}

export function isOrganizationVisible(principal: MasterKeyPrincipal, organizationId: string): boolean {
  return principal.organizationIds?.includes(organizationId) ?? true;
}

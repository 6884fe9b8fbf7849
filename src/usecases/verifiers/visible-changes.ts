import type { AppliedChange, ToldChange } from '../../domain/key-change.ts';
import type { MasterKeyPrincipal } from '../../domain/principal.ts';

/**
 * Filters the feed for a verifier with this master key. Feed entries of keys have ids only, which
 * reveal nothing. Organizations outside its allow-list and other master keys are left out. With an
 * allow-list it is not told whose keys were stopped, only that some were.
 */
export function visibleChanges(
  principal: MasterKeyPrincipal,
  changes: readonly AppliedChange[],
): readonly ToldChange[] {
  // Mostly all: the same array then, so that it is written as text once for all followers.
  return changes.every((change): change is Told => isTold(principal, change))
    ? changes
    : changes.flatMap((change) => tellOf(principal, change));
}

type Told = AppliedChange & ToldChange;

function tellOf(principal: MasterKeyPrincipal, change: AppliedChange): ToldChange[] {
  if (isTold(principal, change)) return [change];
  if (change.kind !== 'stop_user' && change.kind !== 'stop_minted_by') return [];
  return [{ ...change, kind: 'stop_unnamed', subjectId: '', revision: 0, status: null }];
}

function isTold(principal: MasterKeyPrincipal, change: AppliedChange): change is Told {
  const { kind, subjectId } = change;
  switch (kind) {
    case 'key':
      return true;
    case 'master_key':
      return subjectId === principal.id;
    case 'organization':
    case 'stop_organization':
      return isOrganizationVisible(principal, subjectId);
    case 'stop_user':
    case 'stop_minted_by':
      return principal.organizationIds === null;
    case 'platform_user':
    case 'role':
      return false;
  }
}

export function isOrganizationVisible(principal: MasterKeyPrincipal, organizationId: string): boolean {
  return principal.organizationIds?.includes(organizationId) ?? true;
}

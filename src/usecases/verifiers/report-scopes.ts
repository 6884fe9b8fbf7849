import type { KeyedQueue } from '../../concurrency/keyed-queue.ts';
import { type AskedScope, everyOrganization } from '../../domain/asked-scope.ts';
import { FlowplateError } from '../../domain/errors.ts';
import type { MasterKeyPrincipal } from '../../domain/principal.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { setReportsScopes } from '../../stores/postgres/user-keys/asked-scopes.ts';
import type { KnownReporters } from './known-reporters.ts';
import { isOrganizationVisible } from './visible-changes.ts';

export type ReportScopesParts = {
  db: Database;
  reporters: KnownReporters;
  /** One report at a time for each master key: a flood of them holds up its sender alone. */
  turns: KeyedQueue;
  saveScopes: (asked: readonly AskedScope[]) => Promise<void>;
};

export type ScopesReport = {
  verifierId: string;
  asked: readonly (readonly [organizationId: string, scope: string])[];
  /** Organizations with further scopes. */
  incomplete: readonly string[];
};

/**
 * Writes down which scopes an embedded verifier was asked for, and that it reports them at all.
 * Left out are organizations that its master key may not see. `VERIFIER_NOT_FOUND` when it must
 * register first.
 */
export async function reportScopes(
  { db, reporters, turns, saveScopes }: ReportScopesParts,
  principal: MasterKeyPrincipal,
  { verifierId, asked, incomplete }: ScopesReport,
): Promise<void> {
  const all = principal.organizationIds ?? [everyOrganization];
  const further = incomplete.flatMap((id) => (id === everyOrganization ? all : [id]));
  const told: AskedScope[] = [
    ...asked.map(([organizationId, scope]) => ({ organizationId, scope })),
    ...further.map((organizationId) => ({ organizationId, scope: null })),
  ];
  const visible = told.filter(({ organizationId }) => isOrganizationVisible(principal, organizationId));
  await turns.run(principal.id, async () => {
    const isKnown = await reporters.has({ id: verifierId, masterKeyId: principal.id });
    if (!isKnown) throw new FlowplateError('VERIFIER_NOT_FOUND');
    if (visible.length > 0) await saveScopes(visible);
    await setReportsScopes(db, verifierId);
  });
}

import { findingsOf, type HygieneFinding, type HygieneQuestion } from '../../domain/hygiene.ts';
import type { Page } from '../../domain/page.ts';
import type { VisibleScope } from '../../domain/principal.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { findScopesRecordedSince, listUnaskedScopes } from '../../stores/postgres/user-keys/asked-scopes.ts';
import { listRotationsDue } from '../../stores/postgres/user-keys/rotation-due.ts';
import {
  listUsesOfPredecessors,
  type UseOfPredecessor,
} from '../../stores/postgres/user-keys/superseded-uses.ts';
import type { KeyWithUsage, ReadParts } from './key-with-usage.ts';
import {
  type ExportKeysParts,
  type KeySelection,
  type ListRequest,
  readKeysPage,
  readKeysPages,
} from './keys-page.ts';

export type HygieneItem = KeyWithUsage & {
  findings: HygieneFinding[];
  rotationDueAt: Date | null;
  /** By gateway: uses of the keys before this one, while those are in their grace. */
  predecessorUses: UseOfPredecessor[];
  /** Scopes that no gateway asks for; null when that cannot be said. */
  unaskedScopes: string[] | null;
  /** Since when scopes that gateways ask for are recorded, of the key's organization. */
  scopesRecordedSince: Date | null;
};

type Asked<Request> = Request & { hygiene: HygieneQuestion };

/** `scopesRecordedSince`: of the organization that is asked about, else of all. */
export type HygienePage = Page<HygieneItem> & { scopesRecordedSince: Date | null };

/** A page of the active keys of which a finding is true, newest first, as of `listKeys`. */
export async function reportHygiene(
  parts: ReadParts,
  principal: VisibleScope,
  request: Asked<ListRequest>,
): Promise<HygienePage> {
  const { items, next } = await readKeysPage(parts, principal, request);
  const [found, scopesRecordedSince] = await Promise.all([
    withFindings(parts.db, items, request.hygiene),
    findScopesRecordedSince(parts.db, theOrganization(principal, request)),
  ]);
  return { items: found, next, scopesRecordedSince };
}

/** The one that is reported on; undefined for several. */
function theOrganization(
  { organizationIds: visible }: VisibleScope,
  { organizationId }: KeySelection,
): string | undefined {
  if (visible === null) return organizationId;
  return visible.length === 1 ? visible[0] : visible.find((id) => id === organizationId);
}

/** The whole report, in pages as of `exportKeys`. */
export async function* exportHygiene(
  parts: ExportKeysParts,
  principal: VisibleScope,
  selection: Asked<KeySelection>,
): AsyncGenerator<readonly HygieneItem[]> {
  for await (const page of parts.keyExports.stream(readKeysPages(parts, principal, selection))) {
    yield withFindings(parts.db, page, selection.hygiene);
  }
}

async function withFindings(
  db: Db,
  items: readonly KeyWithUsage[],
  question: HygieneQuestion,
): Promise<HygieneItem[]> {
  const ids = items.map(({ key }) => key.id);
  const lines = items.map(({ key }) => key.lineageId);
  const [dues, allUses, scopes] = await Promise.all([
    listRotationsDue(db, ids),
    listUsesOfPredecessors(db, lines, question.now),
    listUnaskedScopes(db, ids, question.unaskedSince),
  ]);
  const uses = Map.groupBy(allUses, ({ lineageId }) => lineageId);
  return items.map((item) => {
    const predecessorUses = uses.get(item.key.lineageId) ?? [];
    const rotationDueAt = dues.get(item.key.id) ?? null;
    const { unasked = null, recordedSince = null } = scopes.get(item.key.id) ?? {};
    const facts = {
      rotationDueAt,
      lastUsedAt: item.usage?.lastUsedAt ?? null,
      isPredecessorUsed: predecessorUses.length > 0,
      unaskedScopes: unasked,
    };
    return {
      ...item,
      rotationDueAt,
      predecessorUses,
      unaskedScopes: unasked,
      scopesRecordedSince: recordedSince,
      findings: findingsOf(item.key, facts, question),
    };
  });
}

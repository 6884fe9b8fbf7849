import type { AuditEvent } from '../../src/domain/audit-event.ts';
import type { KeyChange } from '../../src/domain/key-change.ts';
import type { Tx } from '../../src/stores/postgres/database.ts';
import { finishChange } from '../../src/stores/postgres/finish-change.ts';

/** A change that is nothing but its events. */
export async function insertAuditEvents(tx: Tx, events: readonly AuditEvent[]): Promise<void> {
  await finishChange(tx, { events, changes: [], kept: undefined });
}

/** A change that is nothing but its entries in the feed; the last seq. */
export async function appendKeyChanges(tx: Tx, changes: readonly KeyChange[]): Promise<number | undefined> {
  const { lastSeq } = await finishChange(tx, { events: [], changes, kept: undefined });
  return lastSeq ?? undefined;
}

import { randomBytes } from 'node:crypto';
import { Bulkhead } from '../../src/concurrency/bulkhead.ts';
import { type AuditEvent, newAuditEvent, systemOrigin } from '../../src/domain/audit-event.ts';
import type { Head } from '../../src/domain/audit-seal.ts';
import type { Keyring } from '../../src/domain/key-digest.ts';
import type { Database } from '../../src/stores/postgres/database.ts';
import type { VerifyRequest } from '../../src/usecases/audit/audit-chain.ts';
import { sealAudit } from '../../src/usecases/audit/seal-audit.ts';
import { verifyAudit } from '../../src/usecases/audit/verify-audit.ts';
import { insertAuditEvents } from './finish-change.ts';
import { query, withConnection } from './query.ts';

export function auditEvent(changed: Partial<AuditEvent> = {}, now = new Date()): AuditEvent {
  const said = {
    eventType: 'key.revoked',
    organizationId: 'org_1',
    targetId: 'flk_1',
    details: { n: 1 },
  } as const;
  return { ...newAuditEvent({ now, randomBytes }, systemOrigin, said), ...changed };
}

/** Inserts events, each in its own transaction, unsealed. */
export async function writeEvents(
  db: Database,
  count: number,
  changed: Partial<AuditEvent> = {},
): Promise<AuditEvent[]> {
  const start = Date.now();
  const events = Array.from({ length: count }, (_, index) => auditEvent(changed, new Date(start + index)));
  await db.transaction().execute((tx) => insertAuditEvents(tx, events));
  return events;
}

/** Runs the sealing job; returns the heads that it logged. */
export async function seal(db: Database, keyring: Keyring): Promise<{ sealed: number; heads: Head[] }> {
  const heads: Head[] = [];
  const sealed = await sealAudit({ db, keyring, onHead: (head) => heads.push(head) });
  return { sealed, heads };
}

const free = new Bulkhead({ runningMax: 8, waitingMax: 0, refusal: 'OVERLOADED' });
const nobodyLeft = new AbortController().signal;

export function verify(
  db: Database,
  keyring: Keyring,
  request: Partial<VerifyRequest> = {},
  left = nobodyLeft,
) {
  return verifyAudit({ db, keyring, auditVerifications: free }, { fromSeq: 1, ...request }, left);
}

/** Changes tables as the owner of the database, without triggers. */
export function tamper(databaseUrl: string, ...statements: string[]): Promise<void> {
  const tables = ['audit_events', 'audit_seals', 'audit_heads', 'audit_unsealed'];
  return withConnection(databaseUrl, async (client) => {
    for (const table of tables) await client.query(`ALTER TABLE ${table} DISABLE TRIGGER ALL`);
    for (const statement of statements) await client.query(statement);
    for (const table of tables) await client.query(`ALTER TABLE ${table} ENABLE TRIGGER ALL`);
  });
}

/** Sealed events with their numbers, in chain order. */
export async function sealedIds(databaseUrl: string): Promise<string[]> {
  const rows = await query(databaseUrl, 'SELECT seq, event_id FROM audit_seals ORDER BY seq');
  return rows.map(({ event_id }) => event_id as string);
}

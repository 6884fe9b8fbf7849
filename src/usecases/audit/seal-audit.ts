import { chainStart, type Head, judgeHead, type Seal, sealHash, signHead } from '../../domain/audit-seal.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import {
  type ChainEnd,
  findChainEnd,
  insertHead,
  insertSeals,
  listUnsealed,
  tryLockSealing,
} from '../../stores/postgres/audit/seals.ts';
import type { Database, Tx } from '../../stores/postgres/database.ts';
import { readServerTime } from '../../stores/postgres/server-time.ts';

/** About 30 ms of work in one transaction. A killed round has no effect. */
const eventsPerRound = 1_000;

export type SealParts = {
  db: Database;
  keyring: Keyring;
  /**
   * Called with each new head after its commit. The log carries it outside of the database, as an
   * anchor.
   */
  onHead: (head: Head) => void;
};

/**
 * Seals the waiting events, and returns their number. Of two workers at once one does it. Leaving
 * the queue and joining the chain are one transaction, so each event is sealed exactly once.
 */
export async function sealAudit(parts: SealParts): Promise<number> {
  for (let sealed = 0; ; ) {
    const { count, head } = await parts.db.transaction().execute((tx) => sealRound(parts.keyring, tx));
    if (head !== undefined) parts.onHead(head);
    sealed += count;
    if (count < eventsPerRound) return sealed;
  }
}

async function sealRound(keyring: Keyring, tx: Tx): Promise<{ count: number; head?: Head }> {
  if (!(await tryLockSealing(tx))) return { count: 0 };
  const events = await listUnsealed(tx, eventsPerRound);
  const end = await findChainEnd(tx);
  const isSignedAnew = end.heads.some(({ pepperId }) => pepperId === keyring[0].id);
  if (events.length === 0 && (isSignedAnew || end.heads.length === 0)) return { count: 0 };
  let last = requireGenuine(keyring, end);
  const seals = events.map((event): Seal => {
    const seq = last.seq + 1;
    const seal = { seq, eventId: event.id, hash: sealHash(last.hash, seq, event) };
    last = seal;
    return seal;
  });
  const head = signHead(keyring[0], { seq: last.seq, hash: last.hash, sealedAt: await readServerTime(tx) });
  if (seals.length > 0) await insertSeals(tx, seals);
  await insertHead(tx, head);
  return { count: seals.length, head };
}

/**
 * Verified end of the chain. Throws if it was not signed by us: continuing would sign forged
 * entries. The events then wait in the queue.
 */
function requireGenuine(keyring: Keyring, { heads, seal }: ChainEnd): { seq: number; hash: Buffer } {
  if (heads.length === 0 && seal === undefined) return chainStart;
  const head = heads.find((candidate) => judgeHead(keyring, candidate) === 'genuine');
  if (head === undefined || seal?.seq !== head.seq || !seal.hash.equals(head.hash)) {
    throw new Error('The end of the audit chain is not signed by us; see "Audit" in docs/operations.md');
  }
  return head;
}

import type { Clock, RandomBytes } from '../../domain/clock.ts';
import { isRenewable, type Key, statusAt } from '../../domain/key.ts';
import { type Caller, originOf } from '../../domain/principal.ts';
import type { Turns } from '../../domain/turns.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import type { Database, Tx } from '../../stores/postgres/database.ts';
import { appendKeyChanges, findLastKeyChangeSeq } from '../../stores/postgres/key-changes.ts';
import { revokeKeys } from '../../stores/postgres/keys.ts';
import type { Propagation, PropagationWatch } from '../../stores/postgres/propagation.ts';
import { keyChange, keyEvent } from './key-events.ts';

export type RevokeParts = {
  db: Database;
  clock: Clock;
  randomBytes: RandomBytes;
  propagation: PropagationWatch;
  turns: Turns;
};

export type Revocation = { revokedCount: number; propagation: Propagation };

/**
 * The part of every revoke that lies inside the transaction, whatever was asked for. The caller
 * holds `lockUserKeys`. Expired keys that a refresh could still renew end as well: a revoke is the
 * last word. Only keys that could be accepted are counted.
 */
export async function revokeInTx(
  parts: Pick<RevokeParts, 'clock' | 'randomBytes'>,
  tx: Tx,
  caller: Caller,
  keys: readonly Key[],
): Promise<{ revoked: number; changeSeq: number | undefined }> {
  const now = parts.clock.now();
  const alive = keys.filter((key) => ['active', 'superseded'].includes(statusAt(key, now)));
  const ending = [...alive, ...keys.filter((key) => isRenewable(key, now))].map((key) => key.id);
  // Whoever asks again is told "complete" no sooner than whoever asked first: that change is somewhere before the feed's end.
  if (ending.length === 0) return { revoked: 0, changeSeq: await findLastKeyChangeSeq(tx) };
  const revoked = await revokeKeys(tx, ending, now);
  const at = { now, randomBytes: parts.randomBytes };
  await insertAuditEvents(
    tx,
    revoked.map((key) => keyEvent(at, originOf(caller), 'key.revoked', key)),
  );
  return { revoked: alive.length, changeSeq: await appendKeyChanges(tx, revoked.map(keyChange)) };
}

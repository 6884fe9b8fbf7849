import { type Audience, revokesKeys } from '../../domain/key-change.ts';
import type { Propagation } from '../../domain/propagation.ts';
import type { RevocationReason } from '../../domain/revocation-reason.ts';
import { type DecidingStatus, type Key, statusAt } from '../../domain/user-key.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { revokeKeys } from '../../stores/postgres/user-keys/user-keys.ts';
import type { Decision } from '../change.ts';
import { keyRevokedEvent } from './key-events.ts';

/** `revokedCount`: the keys among them that could still be accepted, now or after a release. */
export type Revocation = { revokedCount: number; propagation: Propagation };

/**
 * Revokes keys that are not revoked yet, at any time of the clock: a fast clock would otherwise
 * spare a key that is valid once the clock is right. Expired keys that a refresh could renew are
 * revoked too. The caller holds `lockUserKeys`. `audience`: verifiers concerned by an earlier
 * revoke, for a request that finds nothing left to revoke.
 */
export async function endKeys(
  tx: Tx,
  keys: readonly Key[],
  { audience, reason }: { audience: Audience; reason: RevocationReason },
  now: Date,
): Promise<Decision<{ revokedCount: number }>> {
  const alive = new Set(keys.filter((key) => isAcceptable(key, now)).map(({ id }) => id));
  const revoked = await revokeKeys(
    tx,
    keys.map(({ id }) => id),
    reason,
    now,
  );
  return {
    answer: { revokedCount: revoked.filter(({ id }) => alive.has(id)).length },
    events: revoked.map((key) => keyRevokedEvent(key, reason)),
    revokes: revoked.length === 0 ? { alreadyTold: true, audience } : revokesKeys(revoked),
  };
}

/** Whether a verifier may accept the key at that time, or would once it is released. */
export function isAcceptable(key: DecidingStatus, now: Date): boolean {
  const status = statusAt(key, now);
  return status === 'active' || status === 'superseded' || status === 'quarantined';
}

import { newId } from '../../domain/ids.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import { type StopSubject, toStopChange } from '../../domain/key-stop.ts';
import { type Caller, originOf, type VisibleScope } from '../../domain/principal.ts';
import type { Propagation } from '../../domain/propagation.ts';
import type { RevocationReason } from '../../domain/revocation-reason.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { beginStop } from '../../stores/postgres/user-keys/key-stops.ts';
import { type ChangeParts, change, type Decision } from '../change.ts';

export type StopRequest = StopSubject & {
  /** Only keys that were created before this time; all that exist unless set. */
  createdBefore?: Date | undefined;
  reason?: RevocationReason | undefined;
};

export type StoppedKeys = { stopId: string; propagation: Propagation };

/**
 * Revokes all keys of a subject at once, whatever their number: one entry of the change feed, in
 * the time of a single revoke. A key that is minted later is not touched. The rows are tidied by
 * the worker (`findStop` tells how far it is). It needs no further check of rights but a caller who
 * may revoke keys.
 *
 * Undefined when this way is not open, and the keys have to be revoked in batches: the caller does
 * not see all that the stop would cover, or API processes of the release before are running.
 */
export async function stopKeys(
  parts: ChangeParts,
  caller: Caller,
  request: StopRequest,
): Promise<StoppedKeys | undefined> {
  if (!maySeeAll(caller.principal, request)) return undefined;
  const { answer, propagation } = await change<StopAnswer>(parts, { by: caller }, async (tx, now) => {
    const decision = await decideStop(parts, tx, caller, request, now);
    return decision ?? { answer: { stopId: null }, events: [], revokes: revokesNothing };
  });
  return answer.stopId === null ? undefined : { stopId: answer.stopId, propagation };
}

type StopAnswer = { stopId: string | null };

/**
 * Whether the caller sees every key that a stop of this subject covers, so that it may order one.
 */
export function maySeeAll(
  { organizationIds, environments }: VisibleScope,
  { kind, subject }: StopSubject,
): boolean {
  if (environments !== null) return false;
  return organizationIds === null || (kind === 'organization' && organizationIds.includes(subject));
}

/**
 * A stop as a part of a change that ends with it: from here on all other changes wait. Undefined
 * when API processes of the release before are running.
 */
export async function decideStop(
  { randomBytes }: Pick<ChangeParts, 'randomBytes'>,
  tx: Tx,
  caller: Caller,
  request: StopRequest,
  now: Date,
): Promise<Decision<{ stopId: string }> | undefined> {
  const { kind, subject, createdBefore = null, reason = 'unspecified' } = request;
  const stopId = newId('stop', now, randomBytes);
  const order = { id: stopId, kind, subject, createdBefore, reason, origin: originOf(caller) };
  const mintNumberBelow = await beginStop(tx, order);
  if (mintNumberBelow === undefined) return undefined;
  return {
    answer: { stopId },
    events: [
      {
        eventType: 'keys.stopped',
        organizationId: kind === 'organization' ? subject : null,
        targetId: stopId,
        details: { kind, subject, created_before: createdBefore?.toISOString() ?? null, reason },
      },
    ],
    revokes: {
      changes: [toStopChange({ kind, subject, mintNumberBelow, createdBefore })],
      audience:
        kind === 'organization' ? { places: [{ organizationId: subject, environment: null }] } : 'everybody',
    },
  };
}

import { FlowplateError } from '../../domain/errors.ts';
import { type Audience, placesOf, revokesNothing } from '../../domain/key-change.ts';
import type { Caller } from '../../domain/principal.ts';
import type { RevocationReason } from '../../domain/revocation-reason.ts';
import { renewableMs } from '../../domain/user-key.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import {
  countAcceptableKeys,
  type KeyOwners,
  listKeyPlaces,
  listRevocableKeys,
  lockUserKeys,
} from '../../stores/postgres/user-keys/user-keys.ts';
import { type ChangeParts, change, commitChange } from '../change.ts';
import { endKeys, type Revocation } from './revocation.ts';
import { decideStop, maySeeAll } from './stop-keys.ts';
import { turnOf } from './turn-of.ts';

/** Owner of the keys to revoke, and why. Undefined fields do not filter. */
export type RevokeTarget = {
  userId: string;
  organizationId?: string | undefined;
  environment?: string | undefined;
  reason?: RevocationReason | undefined;
};

/** Keys per transaction: a tenth of the statement time-out on a slow machine. */
const batchMax = 500;
const placesMax = 1_000;

/**
 * Revokes a user's keys, in one organization or in all, those in their grace included; keys outside
 * the caller's allow-lists are invisible. Counts the keys that could still be accepted. Nothing to
 * revoke is a success with 0, unless no such key ever existed: then `KEY_NOT_FOUND`, or
 * `USER_NOT_FOUND` when only a user was named. More than 500 keys go in several transactions; a
 * request that broke off has ended some of them, and repeating it ends the rest. Beyond the first
 * 500, those of a user are stopped all at once where that is possible (`stopKeys`).
 */
export async function revokeKeysOf(
  parts: ChangeParts,
  caller: Caller,
  target: RevokeTarget,
): Promise<Revocation> {
  const first = await revokeBatch(parts, caller, target, true);
  let { told } = first;
  let { revokedCount, isMore } = first.answer;
  const rest = isMore ? await stopRest(parts, caller, target) : undefined;
  if (rest !== undefined) return { ...rest, revokedCount: revokedCount + rest.revokedCount };
  while (isMore) {
    const batch = await revokeBatch(parts, caller, target, false);
    revokedCount += batch.answer.revokedCount;
    isMore = batch.answer.isMore;
    // The last batch's position in the feed covers the others, so its audience must cover theirs.
    told = batch.told === undefined ? told : { ...batch.told, audience: 'everybody' };
  }
  return { revokedCount, propagation: await parts.propagation.wait(told) };
}

type Batch = { revokedCount: number; isMore: boolean };

function revokeBatch(parts: ChangeParts, caller: Caller, target: RevokeTarget, isFirst: boolean) {
  const { organizationIds, environments } = caller.principal;
  const { reason = 'unspecified', ...owner } = target;
  const asked = { ...owner, organizationIds, environments };
  return commitChange<Batch>(parts, { by: caller, turn: turnOf(caller, target) }, async (tx, now) => {
    await lockUserKeys(tx, target.userId);
    const expiredSince = new Date(now.getTime() - renewableMs);
    const revocable = await listRevocableKeys(tx, asked, expiredSince, batchMax);
    const isOver = revocable.length === 0 && isFirst;
    const audience = isOver ? await audienceOfEnded(tx, asked) : { places: placesOf(revocable) };
    const { answer, ...decision } = await endKeys(tx, revocable, { audience, reason }, now);
    return { ...decision, answer: { ...answer, isMore: revocable.length === batchMax } };
  });
}

/** Undefined when the keys have to be revoked in batches. */
async function stopRest(
  parts: ChangeParts,
  caller: Caller,
  { userId, organizationId, environment, reason }: RevokeTarget,
): Promise<Revocation | undefined> {
  const wanted = { kind: 'user', subject: userId } as const;
  if (organizationId !== undefined || environment !== undefined || !maySeeAll(caller.principal, wanted))
    return undefined;
  const options = { by: caller, turn: turnOf(caller, { userId }) };
  const { answer, propagation } = await change<{ revokedCount: number | null }>(
    parts,
    options,
    async (tx, now) => {
      await lockUserKeys(tx, userId);
      const revokedCount = await countAcceptableKeys(tx, userId, now);
      const stop = await decideStop(parts, tx, caller, { ...wanted, reason }, now);
      if (stop === undefined) return { answer: { revokedCount: null }, events: [], revokes: revokesNothing };
      return { ...stop, answer: { revokedCount } };
    },
  );
  return answer.revokedCount === null ? undefined : { revokedCount: answer.revokedCount, propagation };
}

/** Verifiers concerned by an earlier revoke of these keys, from the places of the keys. */
async function audienceOfEnded(tx: Tx, asked: KeyOwners): Promise<Audience> {
  const places = await listKeyPlaces(tx, asked, placesMax);
  if (places.length === 0) {
    if (asked.organizationId !== undefined) throw new FlowplateError('KEY_NOT_FOUND');
    throw new FlowplateError('USER_NOT_FOUND', { systemMessage: 'No key was ever minted for this user' });
  }
  return places.length < placesMax ? { places } : 'everybody';
}

import { FlowplateError } from '../../domain/errors.ts';
import { type Audience, placesOf } from '../../domain/key-change.ts';
import type { Caller } from '../../domain/principal.ts';
import { renewableMs } from '../../domain/user-key.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import {
  type KeyOwners,
  listKeyPlaces,
  listRevocableKeys,
  lockUserKeys,
} from '../../stores/postgres/user-keys/user-keys.ts';
import { type ChangeParts, commitChange } from '../change.ts';
import { endKeys, type Revocation } from './revocation.ts';
import { turnOf } from './turn-of.ts';

/** Whose keys to revoke; what is undefined does not narrow. */
export type RevokeTarget = {
  userId: string;
  organizationId?: string | undefined;
  environment?: string | undefined;
};

/** Keys in one transaction: on a slow machine a tenth of the time that a statement may take. */
const batchMax = 500;
const placesMax = 1_000;

/**
 * Revokes a user's keys, in one organization or in all, those in their grace included; keys outside
 * the caller's allow-lists are not there for it. Counts the keys that could still be accepted.
 * Nothing to revoke is a success with 0, unless no such key ever existed: then `KEY_NOT_FOUND`, or
 * `USER_NOT_FOUND` when only a user was named. More than 500 keys go in several transactions; a
 * request that broke off has ended some of them, and repeating it ends the rest.
 */
export async function revokeKeysOf(
  parts: ChangeParts,
  caller: Caller,
  target: RevokeTarget,
): Promise<Revocation> {
  const first = await revokeBatch(parts, caller, target, true);
  let { told } = first;
  let { revokedCount, isMore } = first.answer;
  while (isMore) {
    const batch = await revokeBatch(parts, caller, target, false);
    revokedCount += batch.answer.revokedCount;
    isMore = batch.answer.isMore;
    // The last batch's place in the feed covers the others, and so must its audience.
    told = batch.told === undefined ? told : { ...batch.told, audience: 'everybody' };
  }
  return { revokedCount, propagation: await parts.propagation.wait(told) };
}

type Batch = { revokedCount: number; isMore: boolean };

function revokeBatch(parts: ChangeParts, caller: Caller, target: RevokeTarget, isFirst: boolean) {
  const { organizationIds, environments } = caller.principal;
  const asked = { ...target, organizationIds, environments };
  return commitChange<Batch>(parts, { by: caller, turn: turnOf(caller, target) }, async (tx, now) => {
    await lockUserKeys(tx, target.userId);
    const expiredSince = new Date(now.getTime() - renewableMs);
    const revocable = await listRevocableKeys(tx, asked, expiredSince, batchMax);
    const isOver = revocable.length === 0 && isFirst;
    const audience = isOver ? await audienceOfEnded(tx, asked) : { places: placesOf(revocable) };
    const { answer, ...decision } = await endKeys(tx, revocable, audience, now);
    return { ...decision, answer: { ...answer, isMore: revocable.length === batchMax } };
  });
}

/**
 * The verifiers that an earlier revoke of these keys concerned: those of the places where the keys
 * were.
 */
async function audienceOfEnded(tx: Tx, asked: KeyOwners): Promise<Audience> {
  const places = await listKeyPlaces(tx, asked, placesMax);
  if (places.length === 0) {
    throw new FlowplateError(asked.organizationId === undefined ? 'USER_NOT_FOUND' : 'KEY_NOT_FOUND');
  }
  return places.length < placesMax ? { places } : 'everybody';
}

import type { KeyedQueue } from '../concurrency/keyed-queue.ts';
import { FlowplateError } from '../domain/errors.ts';
import { type Idempotency, idempotencyLifeMs } from '../domain/idempotency.ts';
import { isLockTimeout } from '../stores/postgres/faults.ts';
import type { Ending } from '../stores/postgres/finish-change.ts';
import type { FindSealedAnswer } from '../stores/postgres/idempotency-keys.ts';

/**
 * Seals the answer, to be stored in the transaction of its change. Undefined without an
 * Idempotency-Key.
 */
export type SealAnswer<T> = (answer: T) => Ending['kept'];

export type IdempotentParts = { findSealedAnswer: FindSealedAnswer; turns: KeyedQueue; now: Date };

export type Replayed<T> = { answer: T; isReplay: boolean };

/**
 * Makes a request that creates a secret idempotent: a repetition under the same Idempotency-Key
 * gets the same answer.
 *
 * In one process copies queue up. Across processes they may race: each does its work and stores its
 * answer in the same transaction, where the primary key lets one commit. The others roll back and
 * return that answer, even if they failed for another reason. A copy that waits for the winner
 * longer than the lock time-out gets `IDEMPOTENCY_IN_PROGRESS`. Only successes are stored, so a
 * request can be repeated after an error.
 */
export async function idempotent<T>(
  parts: IdempotentParts,
  idempotency: Idempotency | undefined,
  run: (seal: SealAnswer<T>) => Promise<T>,
): Promise<Replayed<T>> {
  if (idempotency === undefined) return { answer: await run(() => undefined), isReplay: false };
  const [id] = idempotency.ids;
  return parts.turns.run(`replay ${id?.toString('base64url')}`, () => runOnce(parts, idempotency, run));
}

async function runOnce<T>(
  parts: IdempotentParts,
  idempotency: Idempotency,
  run: (seal: SealAnswer<T>) => Promise<T>,
): Promise<Replayed<T>> {
  const notBefore = new Date(parts.now.getTime() - idempotencyLifeMs);
  if (idempotency.earlier.isWorthALook()) {
    const earlier = await findAnswer<T>(parts, idempotency, notBefore);
    if (earlier !== undefined) return earlier;
  }
  try {
    const seal: SealAnswer<T> = (answer) => sealAnswer(idempotency, answer, parts.now, notBefore);
    return { answer: await run(seal), isReplay: false };
  } catch (error) {
    const meanwhile = await findAnswer<T>(parts, idempotency, notBefore);
    if (meanwhile !== undefined) return meanwhile;
    if (!isLockTimeout(error)) throw error;
    throw new FlowplateError('IDEMPOTENCY_IN_PROGRESS', { retryAfterSeconds: 1, cause: error });
  }
}

async function findAnswer<T>(
  { findSealedAnswer }: IdempotentParts,
  idempotency: Idempotency,
  notBefore: Date,
): Promise<Replayed<T> | undefined> {
  const stored = await findSealedAnswer({ ids: idempotency.ids, notBefore });
  idempotency.earlier.note(stored !== undefined);
  if (stored === undefined) return undefined;
  if (!stored.bodyHash.equals(idempotency.bodyHash)) {
    throw new FlowplateError('IDEMPOTENCY_KEY_REUSED', {
      systemMessage: 'This Idempotency-Key was used with another body',
    });
  }
  return { answer: JSON.parse(idempotency.open(stored.id, stored.sealedAnswer)) as T, isReplay: true };
}

function sealAnswer<T>(
  idempotency: Idempotency,
  answer: T,
  createdAt: Date,
  notBefore: Date,
): Ending['kept'] {
  const { bodyHash } = idempotency;
  const [id] = idempotency.ids;
  if (id === undefined) return undefined;
  const sealedAnswer = idempotency.seal(JSON.stringify(answer));
  return { answer: { id, bodyHash, sealedAnswer, createdAt }, notBefore };
}

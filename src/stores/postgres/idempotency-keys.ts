import { sql } from 'kysely';
import type { Database, Db } from './database.ts';
import { deleteInBatches } from './delete-in-batches.ts';
import { inBatches } from './look-ups.ts';

export type SealedAnswer = { id: Buffer; bodyHash: Buffer; sealedAnswer: Buffer; createdAt: Date };

type Wanted = { ids: readonly Buffer[]; notBefore: Date };

/**
 * Finds a stored answer that is younger than `notBefore`. `ids`: one for each live pepper, so that
 * a pepper rotation does not turn a repetition into a new request.
 */
export type FindSealedAnswer = (wanted: Wanted) => Promise<SealedAnswer | undefined>;

export async function findSealedAnswer(db: Db, wanted: Wanted): Promise<SealedAnswer | undefined> {
  const [found] = await findSealedAnswers(db, [wanted]);
  return found;
}

const lookUpLimits = { runningMax: 2, waitingMax: 5_000 };

/** Look-ups that arrive together share a statement: those of a body of lines are many. */
export function sealedAnswerLookUps(db: Db): FindSealedAnswer {
  return inBatches(lookUpLimits, (wanted) => findSealedAnswers(db, wanted));
}

async function findSealedAnswers(db: Db, wanted: readonly Wanted[]): Promise<(SealedAnswer | undefined)[]> {
  const rows = await db
    .selectFrom('idempotency_keys')
    .select(['id', 'body_hash', 'sealed_answer', 'created_at'])
    .where('id', '=', sql<Buffer>`any(${wanted.flatMap(({ ids }) => ids)}::bytea[])`)
    .execute();
  const found = new Map(rows.map((row) => [row.id.toString('latin1'), row]));
  return wanted.map(({ ids, notBefore }) => {
    for (const id of ids) {
      const row = found.get(id.toString('latin1'));
      if (row === undefined || row.created_at <= notBefore) continue;
      return { id, bodyHash: row.body_hash, sealedAnswer: row.sealed_answer, createdAt: row.created_at };
    }
    return undefined;
  });
}

export async function deleteSealedAnswersBefore(db: Database, notAfter: Date): Promise<number> {
  return deleteInBatches(db, 'idempotency_keys', sql`created_at <= ${notAfter}`);
}

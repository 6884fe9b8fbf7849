import { sql } from 'kysely';
import type { Database, Db, Tx } from './database.ts';
import { deleteInBatches } from './delete-in-batches.ts';

export type SealedAnswer = { id: Buffer; bodyHash: Buffer; sealedAnswer: Buffer; createdAt: Date };

/**
 * Finds a stored answer. `ids`: one for each live pepper, so that a pepper rotation does not turn a
 * repetition into a new request.
 */
export async function findSealedAnswer(
  db: Db,
  ids: readonly Buffer[],
  notBefore: Date,
): Promise<SealedAnswer | undefined> {
  const row = await db
    .selectFrom('idempotency_keys')
    .select(['id', 'body_hash', 'sealed_answer', 'created_at'])
    .where('id', '=', sql<Buffer>`any(${ids}::bytea[])`)
    .where('created_at', '>', notBefore)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return { id: row.id, bodyHash: row.body_hash, sealedAnswer: row.sealed_answer, createdAt: row.created_at };
}

/**
 * Stores the answer in the transaction of its change. If the same request was answered meanwhile,
 * the primary key fails the transaction. An expired row is overwritten.
 */
export async function insertSealedAnswer(tx: Tx, answer: SealedAnswer, notBefore: Date): Promise<void> {
  await tx
    .deleteFrom('idempotency_keys')
    .where('id', '=', answer.id)
    .where('created_at', '<=', notBefore)
    .execute();
  await tx
    .insertInto('idempotency_keys')
    .values({
      id: answer.id,
      body_hash: answer.bodyHash,
      sealed_answer: answer.sealedAnswer,
      created_at: answer.createdAt,
    })
    .execute();
}

export async function deleteSealedAnswersBefore(db: Database, notAfter: Date): Promise<number> {
  return deleteInBatches(db, 'idempotency_keys', sql`created_at <= ${notAfter}`);
}

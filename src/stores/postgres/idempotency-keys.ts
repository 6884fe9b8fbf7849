import { sql } from 'kysely';
import type { Database, Db } from './database.ts';
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

export async function deleteSealedAnswersBefore(db: Database, notAfter: Date): Promise<number> {
  return deleteInBatches(db, 'idempotency_keys', sql`created_at <= ${notAfter}`);
}

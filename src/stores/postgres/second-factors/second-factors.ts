import type { EnrolledKind, SecondFactor } from '../../../domain/second-factor.ts';
import type { Db, Tx } from '../database.ts';

/** Kinds of the second factors that an account can use now; none for an unknown account. */
export async function findEnrolledKinds(db: Db, userId: string): Promise<EnrolledKind[]> {
  const rows = await db
    .selectFrom('second_factors')
    .select('kind')
    .distinct()
    .where('user_id', '=', userId)
    .where('activated_at', 'is not', null)
    .orderBy('kind', 'desc')
    .execute();
  return rows.map(({ kind }) => kind as EnrolledKind);
}

/**
 * Locks an account for a change of its second factors, or for the use of one: two of them at once
 * have an order.
 */
export async function lockSecondFactors(tx: Tx, userId: string): Promise<void> {
  await tx.selectFrom('platform_users').select('id').where('id', '=', userId).forUpdate().execute();
}

/** Newest first, without apps that have not proved their secret yet. */
export async function listSecondFactors(db: Db, userId: string): Promise<SecondFactor[]> {
  const rows = await db
    .selectFrom('second_factors')
    .select(['id', 'kind', 'name', 'created_at', 'last_used_at'])
    .where('user_id', '=', userId)
    .where('activated_at', 'is not', null)
    .orderBy('id', 'desc')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind as EnrolledKind,
    name: row.name,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  }));
}

/** The removed factor; undefined when the user has none with this id. */
export async function deleteSecondFactor(
  tx: Tx,
  userId: string,
  id: string,
): Promise<{ kind: EnrolledKind } | undefined> {
  const row = await tx
    .deleteFrom('second_factors')
    .where('user_id', '=', userId)
    .where('id', '=', id)
    .returning('kind')
    .executeTakeFirst();
  return row && { kind: row.kind as EnrolledKind };
}

/** The number of factors that are gone. */
export async function deleteSecondFactorsOf(tx: Tx, userId: string): Promise<number> {
  const result = await tx.deleteFrom('second_factors').where('user_id', '=', userId).executeTakeFirst();
  return Number(result.numDeletedRows);
}

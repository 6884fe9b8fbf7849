import type { Person, PersonKind } from '../../domain/person.ts';
import type { Db, Tx } from './database.ts';

const columns = ['id', 'kind', 'name', 'email', 'ended_at', 'erased_at'] as const;

/** Rows are written by triggers on the tables of users (migration 0060). */
export async function findPerson(db: Db, id: string): Promise<Person | undefined> {
  const row = await db.selectFrom('people').select(columns).where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toPerson(row);
}

/** Like `findPerson`, and locks the row until the transaction ends. */
export async function lockPerson(tx: Tx, id: string): Promise<Person | undefined> {
  const query = tx.selectFrom('people').select(columns).where('id', '=', id).forUpdate();
  const row = await query.executeTakeFirst();
  return row === undefined ? undefined : toPerson(row);
}

export async function clearPerson(tx: Tx, id: string, now: Date): Promise<void> {
  await tx
    .updateTable('people')
    .set({ name: null, email: null, erased_at: now })
    .where('id', '=', id)
    .execute();
}

function toPerson(row: {
  id: string;
  kind: string;
  name: string | null;
  email: string | null;
  ended_at: Date | null;
  erased_at: Date | null;
}): Person {
  return {
    id: row.id,
    kind: row.kind as PersonKind,
    name: row.name,
    email: row.email,
    endedAt: row.ended_at,
    erasedAt: row.erased_at,
  };
}

import { newId } from '../../src/domain/ids.ts';
import type { TestBroker } from './broker.ts';

const dayMs = 86_400_000;

/** A key as if it had been minted so many days ago, with its last use. Returns its new id. */
export async function backdate(
  { db }: Pick<TestBroker, 'db'>,
  { key_id }: { key_id: string },
  days: number,
): Promise<string> {
  const at = new Date(Date.now() - days * dayMs);
  const id = newId('key', at, (size) => crypto.getRandomValues(Buffer.alloc(size)));
  await db
    .updateTable('api_keys')
    .set({ id, created_at: at, lineage_id: id })
    .where('id', '=', key_id)
    .execute();
  await db
    .updateTable('usage_totals')
    .set({ lineage_id: id, last_used_at: at })
    .where('lineage_id', '=', key_id)
    .execute();
  return id;
}

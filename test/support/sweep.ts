import { randomBytes } from 'node:crypto';
import { expireDueKeys } from '../../src/usecases/user-keys/expire-due-keys.ts';
import type { TestBroker } from './broker.ts';

/** Runs the sweep for these expired keys, as if a minute had passed. */
export async function sweep({ db }: TestBroker, keyIds: readonly string[]): Promise<void> {
  for (const id of keyIds) {
    const { expires_at } = await db
      .selectFrom('api_keys')
      .select('expires_at')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    if (expires_at === null) throw new Error(`${id} has no expiry`);
    const sooner = new Date(expires_at.getTime() - 120_000);
    await db.updateTable('api_keys').set({ expires_at: sooner }).where('id', '=', id).execute();
  }
  await expireDueKeys({ db, randomBytes });
  const open = await db
    .selectFrom('api_keys')
    .select('id')
    .where('id', 'in', [...keyIds])
    .where('status', '<>', 'expired')
    .execute();
  if (open.length > 0) throw new Error(`not swept: ${open.map(({ id }) => id)}`);
}

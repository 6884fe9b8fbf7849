import type { Keyring } from '../../domain/key-digest.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { listDueWebhooks } from '../../stores/postgres/webhooks/serving.ts';
import {
  listWebhooksUnderOtherPeppers,
  lockWebhookSecrets,
  saveWebhookSecrets,
} from '../../stores/postgres/webhooks/webhooks.ts';
import { resealWebhookSecrets } from './webhook-secret.ts';

export type WakeParts = {
  db: Database;
  keyring: Keyring;
  /** Has each endpoint served soon, by any worker. */
  offerTurns(webhookIds: readonly string[]): Promise<void>;
};

/**
 * Finds the endpoints with something to send in Postgres, and has them served. Nothing else says
 * what is due, so a queue that was emptied is filled again. Secrets under an old pepper are sealed
 * under the current one. Returns the number of endpoints.
 */
export async function wakeWebhooks(parts: WakeParts): Promise<number> {
  const due = await listDueWebhooks(parts.db);
  await parts.offerTurns(due);
  // Last, since a secret under a lost pepper fails here.
  await reseal(parts);
  return due.length;
}

/** One under a lost pepper keeps no other from moving; it is the fault of the run. */
async function reseal({ db, keyring }: WakeParts): Promise<void> {
  const ids = await listWebhooksUnderOtherPeppers(db, keyring[0].id);
  const results = await Promise.allSettled(
    ids.map((id) =>
      db.transaction().execute(async (tx) => {
        const secrets = await lockWebhookSecrets(tx, id);
        if (secrets !== undefined)
          await saveWebhookSecrets(tx, id, resealWebhookSecrets(keyring, id, secrets));
      }),
    ),
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

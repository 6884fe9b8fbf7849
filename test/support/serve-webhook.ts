import { randomBytes } from 'node:crypto';
import { serveWebhook } from '../../src/usecases/webhooks/serve-webhook.ts';
import type { AttemptOutcome } from '../../src/usecases/webhooks/webhook-turn.ts';
import type { TestBroker } from './broker.ts';

/** Turns of the worker at one endpoint until nothing is due. Returns the outcomes of its attempts. */
export async function serve(
  broker: TestBroker,
  webhookId: string,
  sendWebhook = broker.api.parts.sendWebhook,
): Promise<AttemptOutcome[]> {
  const outcomes: AttemptOutcome[] = [];
  const { keyring } = broker.api.parts;
  const parts = {
    ...{ db: broker.db, keyring, randomBytes, sendWebhook, isStopping: () => false },
    onAttempt: (outcome: AttemptOutcome) => void outcomes.push(outcome),
  };
  while ((await serveWebhook(parts, webhookId)) === 'more');
  return outcomes;
}

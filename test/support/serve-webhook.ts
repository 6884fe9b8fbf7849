import { randomBytes } from 'node:crypto';
import { RecentEvents } from '../../src/usecases/webhooks/recent-events.ts';
import { serveWebhook } from '../../src/usecases/webhooks/serve-webhook.ts';
import type { AttemptOutcome } from '../../src/usecases/webhooks/webhook-turn.ts';
import type { TestBroker } from './broker.ts';

/** Turns of the worker at one endpoint until nothing is due. Returns the outcomes of attempts. */
export async function serve(
  broker: TestBroker,
  webhookId: string,
  sendWebhook = broker.api.parts.sendWebhook,
): Promise<AttemptOutcome[]> {
  const outcomes: AttemptOutcome[] = [];
  const { keyring } = broker.api.parts;
  const parts = {
    ...{ db: broker.db, keyring, randomBytes, sendWebhook, isStopping: () => false },
    recentEvents: recentEventsOf(broker),
    onAttempt: (outcome: AttemptOutcome) => void outcomes.push(outcome),
  };
  while ((await serveWebhook(parts, webhookId)) === 'more');
  return outcomes;
}

const recent = new WeakMap<TestBroker, RecentEvents>();

/** One for the process, as in the worker. */
function recentEventsOf(broker: TestBroker): RecentEvents {
  const found = recent.get(broker) ?? new RecentEvents();
  recent.set(broker, found);
  return found;
}

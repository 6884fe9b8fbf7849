import { FlowplateError, validationError } from '../../domain/errors.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import {
  isLongTime,
  replayEvents as replayChosen,
  replayTime,
} from '../../stores/postgres/webhooks/deliveries.ts';
import { lockWebhook } from '../../stores/postgres/webhooks/webhooks.ts';
import { change } from '../change.ts';
import { type WebhookParts, webhookEvent } from './webhook-parts.ts';

/** About a second for the statement. */
const replayedMax = 10_000;
/** Events of all types in a time, which are looked through for those of the webhook. */
const examinedMax = 100_000;

export type Replay = { eventIds: readonly string[] } | { from: Date; to: Date };

/**
 * Sends events to an endpoint again, with their old ids, in their old order, and beside the new
 * ones. `WEBHOOK_NOT_FOUND`; `VALIDATION_ERROR` for an event that the endpoint has not got, for
 * more than 10,000, and for a time with more than 100,000 of all types. Returns their number.
 */
export async function replayEvents(
  parts: WebhookParts,
  caller: Caller<PlatformPrincipal>,
  id: string,
  request: Replay,
): Promise<number> {
  const { answer } = await change<{ count: number }>(parts, { by: caller }, async (tx) => {
    const webhook = await lockWebhook(tx, id);
    if (webhook === undefined) throw new FlowplateError('WEBHOOK_NOT_FOUND');
    if ('from' in request) await requireShort(tx, request);
    const place = { webhookId: id, position: webhook.position, subscription: webhook };
    const queued =
      'eventIds' in request
        ? await replayChosen(tx, place, request.eventIds)
        : await replayTime(tx, place, { ...request, limit: replayedMax + 1 });
    requireAll(request, queued);
    const range = 'eventIds' in request ? {} : { from: request.from, to: request.to };
    return {
      answer: { count: queued.length },
      events: [webhookEvent('webhook.replayed', webhook, { count: queued.length, ...range })],
      revokes: revokesNothing,
    };
  });
  return answer.count;
}

async function requireShort(tx: Tx, time: { from: Date; to: Date }): Promise<void> {
  if (!(await isLongTime(tx, { ...time, max: examinedMax }))) return;
  const message = `is too late: there are more than ${examinedMax} events, of all types, from then on`;
  throw validationError([{ path: 'to', message }]);
}

function requireAll(request: Replay, queued: readonly string[]): void {
  if ('eventIds' in request) {
    const known = new Set(queued);
    const missing = request.eventIds.map((id, index) => ({ id, index })).filter(({ id }) => !known.has(id));
    if (missing.length === 0) return;
    throw validationError(
      missing.map(({ index }) => ({
        path: `event_ids.${index}`,
        message: 'is no event that this webhook was sent',
      })),
    );
  }
  if (queued.length <= replayedMax) return;
  throw validationError([{ path: 'to', message: `is too late: there are more than ${replayedMax} events` }]);
}

import type { AuditEvent, AuditEventType } from '../../domain/audit-event.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { everyType, isDelivered, type SendWebhook, type WebhookAnswer } from '../../domain/webhook.ts';
import { reasonToDisable, retryWaitMs, type WebhookDisabledReason } from '../../domain/webhook-retries.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { findAuditEvents } from '../../stores/postgres/webhooks/audit-events.ts';
import {
  type Attempt,
  findPendingDeliveries,
  type Lease,
  type PendingDelivery,
  type ServedWebhook,
  saveWebhookProgress,
} from '../../stores/postgres/webhooks/serving.ts';
import { eventMessage } from './event-message.ts';
import type { RecentEvents } from './recent-events.ts';
import { openWebhookSecrets } from './webhook-secret.ts';

export type AttemptOutcome = 'delivered' | 'failed' | 'dead';

/** Told of each attempt. `delayMs`: from the event to its first delivery; undefined otherwise. */
export type OnAttempt = (outcome: AttemptOutcome, delayMs: number | undefined) => void;

export type TurnParts = {
  db: Database;
  keyring: Keyring;
  sendWebhook: SendWebhook;
  onAttempt: OnAttempt;
  recentEvents: RecentEvents;
  isStopping(): boolean;
};

/** Endpoints take turns at the worker's places. */
const turnMsMax = 5_000;

/** Answers are stored together. A killed worker sends again what it has not stored. */
const savedEveryMs = 250;

/** Of one statement. */
const pageBounds = { limit: 250, examinedMax: 2_000 };

/** One event to send. `attempts`: those before. */
type Item = {
  event: AuditEvent;
  seq: number | null;
  attempts: number;
  isReplay: boolean;
  message(): string;
};

type Outcome = 'done' | 'more' | { disable: WebhookDisabledReason };

/**
 * Sends what is due at one endpoint. Two lanes: new events in sealed order, where one that failed
 * blocks the later ones until it is delivered or dead; and replays, in the same order among
 * themselves. Neither lane waits for the other.
 */
export class WebhookTurn {
  readonly #parts: TurnParts;
  readonly #lease: Lease;
  readonly #webhook: ServedWebhook;
  readonly #secrets: readonly string[];
  readonly #endsAtMs = performance.now() + turnMsMax;
  #position: number;
  #failingSince: Date | null;
  #unsaved: Attempt[] = [];
  #savedAtMs = performance.now();
  #outcome: Outcome | undefined;

  constructor(parts: TurnParts, lease: Lease, webhook: ServedWebhook) {
    this.#parts = parts;
    this.#lease = lease;
    this.#webhook = webhook;
    this.#secrets = openWebhookSecrets(parts.keyring, webhook.id, webhook.secrets);
    this.#position = webhook.position;
    this.#failingSince = webhook.failingSince;
  }

  async run(): Promise<Outcome> {
    while (this.#outcome === undefined) {
      if (this.#isOver()) return 'more';
      if (!(await this.#sendNext())) return this.#outcome ?? 'done';
    }
    return this.#outcome;
  }

  /** False when nothing is due. */
  async #sendNext(): Promise<boolean> {
    const { blocking, replays } = await findPendingDeliveries(this.#parts.db, this.#webhook.id);
    if (replays.length > 0) {
      await this.#sendAgain(replays, true);
      return true;
    }
    if (blocking !== undefined) {
      if (blocking.isDue) await this.#sendAgain([blocking], false);
      return blocking.isDue;
    }
    return this.#sendNew();
  }

  async #sendAgain(pending: readonly PendingDelivery[], isReplay: boolean): Promise<void> {
    const found = await findAuditEvents(
      this.#parts.db,
      pending.map(({ eventId }) => eventId),
    );
    const events = new Map(found.map((event) => [event.id, event]));
    const items = pending.map(({ eventId, seq, attempts }): Item => {
      const event = events.get(eventId);
      if (event === undefined) throw new Error(`The event ${eventId} of a delivery is missing`);
      return { event, seq, attempts, isReplay, message: () => eventMessage(event) };
    });
    if (await this.#sendAll(items)) await this.#save();
  }

  async #sendNew(): Promise<boolean> {
    const { id, organizationId } = this.#webhook;
    const types = this.#webhook.types.includes(everyType)
      ? undefined
      : (this.#webhook.types as AuditEventType[]);
    const filter = { types, organizationId: organizationId ?? undefined };
    const { db, recentEvents } = this.#parts;
    const page = await recentEvents.listAfter(db, this.#position, filter, pageBounds);
    if (page.examined === undefined) return false;
    const isWhole = await this.#sendAll(
      page.events
        .filter(({ event }) => !isOwnTest(event, id))
        .map((sealed): Item => ({ ...sealed, attempts: 0, isReplay: false })),
    );
    if (!isWhole) return true;
    this.#position = page.examined;
    await this.#save();
    return true;
  }

  /**
   * False when it stopped before the end, and has saved: after a failure, or because the turn is
   * over. At the end the caller saves, with the place up to which nothing more is to be sent.
   */
  async #sendAll(items: readonly Item[]): Promise<boolean> {
    for (const item of items) {
      const attempt = await this.#send(item);
      if (attempt.status !== 'pending' && !item.isReplay && item.seq !== null) this.#position = item.seq;
      const { status } = attempt;
      const isFailure = status !== 'delivered';
      if (isFailure) this.#disableFor({ ...attempt, status });
      const stops = this.#outcome !== undefined || attempt.status === 'pending' || this.#isOver();
      const isLate = performance.now() - this.#savedAtMs >= savedEveryMs;
      if (stops || isFailure || isLate) await this.#save();
      if (stops || this.#outcome !== undefined) return false;
    }
    return true;
  }

  async #send({ event, seq, attempts, isReplay, message: body }: Item): Promise<Attempt> {
    const { url } = this.#webhook;
    const message = { url, eventId: event.id, body: body(), secrets: this.#secrets };
    const answer = await this.#parts.sendWebhook(message);
    const at = new Date();
    const attempt = { eventId: event.id, seq, isReplay, attempts: attempts + 1, at, answer };
    const result = { ...attempt, ...statusAfter(answer, attempt.attempts, at) };
    this.#unsaved.push(result);
    this.#failingSince = result.status === 'delivered' ? null : (this.#failingSince ?? at);
    const isFirst = result.status === 'delivered' && result.attempts === 1 && !isReplay;
    this.#parts.onAttempt(
      result.status === 'pending' ? 'failed' : result.status,
      isFirst ? at.getTime() - event.createdAt.getTime() : undefined,
    );
    return result;
  }

  #disableFor(failed: Attempt & { status: 'pending' | 'dead' }): void {
    const disable = reasonToDisable(failed, this.#failingSince ?? failed.at);
    if (disable !== undefined && this.#outcome === undefined) this.#outcome = { disable };
  }

  /** A turn whose lease is lost, or whose endpoint was disabled, ends without another word. */
  async #save(): Promise<void> {
    const attempts = this.#unsaved;
    this.#unsaved = [];
    this.#savedAtMs = performance.now();
    const isHeld = await saveWebhookProgress(this.#parts.db, this.#lease, {
      position: this.#position,
      attempts,
      failingSince: attempts.length === 0 ? undefined : this.#failingSince,
      lastDeliveredAt: attempts.findLast(({ status }) => status === 'delivered')?.at,
    });
    if (!isHeld) this.#outcome = 'done';
  }

  #isOver(): boolean {
    return performance.now() >= this.#endsAtMs || this.#parts.isStopping();
  }
}

/** Tests are sent when they are ordered. */
function isOwnTest({ eventType, targetId }: AuditEvent, webhookId: string): boolean {
  return eventType === 'webhook.tested' && targetId === webhookId;
}

function statusAfter(answer: WebhookAnswer, attempts: number, at: Date): Pick<Attempt, 'status' | 'retryAt'> {
  if (isDelivered(answer)) return { status: 'delivered', retryAt: null };
  const waitMs = retryWaitMs(attempts, Math.random());
  if (waitMs === undefined) return { status: 'dead', retryAt: null };
  return { status: 'pending', retryAt: new Date(at.getTime() + waitMs) };
}

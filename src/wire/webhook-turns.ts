import { inTime } from '../concurrency/deadline.ts';
import { idPattern } from '../domain/ids.ts';
import type { Served } from '../usecases/webhooks/serve-webhook.ts';

type TurnsParts = {
  /** Puts turns into the queue. */
  offer: (webhookIds: readonly string[]) => Promise<void>;
  isQueueThere: () => boolean;
  serve: (webhookId: string) => Promise<Served>;
  /** The process ends: turns give back what they have not sent. */
  isStopping: () => boolean;
  onFault: (error: unknown) => void;
  nowMs: () => number;
};

const offerMsMax = 1_000;

/** Longer than the queue takes to bring back a turn of a worker that was killed. */
const dueMsMax = 30_000;

const webhookIdPattern = idPattern('webhook');

/**
 * Turns of endpoints: the queue hands them out to the workers. An endpoint that is due and that the
 * queue does not bring is served here, since a queue can be away, paused or full of forged jobs.
 */
export class WebhookTurns {
  readonly #parts: TurnsParts;
  readonly #running = new Map<string, Promise<Served>>();
  #dueSinceMs = new Map<string, number>();

  constructor(parts: TurnsParts) {
    this.#parts = parts;
  }

  /** `webhookIds`: all endpoints that are due now. */
  async offer(webhookIds: readonly string[]): Promise<void> {
    const nowMs = this.#parts.nowMs();
    this.#dueSinceMs = new Map(webhookIds.map((id) => [id, this.#dueSinceMs.get(id) ?? nowMs]));
    const isOffered = webhookIds.length === 0 || (await this.#putIntoQueue(webhookIds));
    for (const [id, sinceMs] of this.#dueSinceMs) {
      if (!isOffered || nowMs - sinceMs > dueMsMax) void this.#serveAlone(id);
    }
  }

  /** A turn that the queue gave. Anybody who can write to Redis can put one there. */
  async serve(webhookId: string): Promise<Served> {
    if (!webhookIdPattern.test(webhookId)) return 'done';
    this.#dueSinceMs.delete(webhookId);
    return this.#run(webhookId);
  }

  /** Resolves when no turn is under way. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#running.values());
  }

  async #putIntoQueue(webhookIds: readonly string[]): Promise<boolean> {
    if (!this.#parts.isQueueThere()) return false;
    try {
      await inTime(this.#parts.offer(webhookIds), offerMsMax, () => new Error('the queue takes no turns'));
      return true;
    } catch (error) {
      this.#parts.onFault(error);
      return false;
    }
  }

  async #serveAlone(webhookId: string): Promise<void> {
    if (this.#running.has(webhookId)) return;
    try {
      while ((await this.#run(webhookId)) === 'more' && !this.#parts.isStopping());
    } catch (error) {
      this.#parts.onFault(error);
    }
  }

  async #run(webhookId: string): Promise<Served> {
    const running = this.#running.get(webhookId);
    if (running !== undefined) return running.then(() => 'done' as const);
    const turn = this.#parts.serve(webhookId);
    this.#running.set(webhookId, turn);
    try {
      return await turn;
    } finally {
      this.#running.delete(webhookId);
    }
  }
}

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Caller } from '../stage/caller.ts';

type Living = { userId: string; organizationId: string };

/**
 * Mints, refreshes and revokes of user keys at a fixed rate, in some organizations in turn, each a
 * call to the API. Goes on when a call fails: it may have been done.
 */
export class SteadyChanges {
  readonly #call: Caller;
  readonly #organizations: readonly string[];
  /** Keys that one of their changes is not under way for, the oldest first. */
  readonly #living: Living[] = [];
  readonly #running = new Set<Promise<void>>();
  /** Ids of keys whose mint, refresh or revoke was answered, by the type of its event. */
  readonly answered: { eventType: string; keyId: string }[] = [];
  failed = 0;

  constructor(call: Caller, organizations: readonly string[]) {
    this.#call = call;
    this.#organizations = organizations;
  }

  async run(durationMs: number, perSecond: number): Promise<void> {
    const startedMs = performance.now();
    for (let count = 0; performance.now() - startedMs < durationMs; count++) {
      await sleep(Math.max(0, startedMs + (count * 1_000) / perSecond - performance.now()));
      const turn: Promise<void> = this.#turn(count)
        .catch(() => {
          this.failed += 1;
        })
        .finally(() => this.#running.delete(turn));
      this.#running.add(turn);
    }
    await Promise.all(this.#running);
  }

  async #turn(count: number): Promise<void> {
    const keys = '/v1/flowplate/api-keys';
    const old = count % 3 === 0 ? undefined : this.#living.shift();
    if (old === undefined) {
      const organizationId = this.#organizations[count % this.#organizations.length] as string;
      const minted = { userId: `user-${randomUUID()}`, organizationId };
      const body = { user_id: minted.userId, organization_id: organizationId };
      const { key_id } = await this.#call(`POST ${keys}`, body);
      this.answered.push({ eventType: 'key.minted', keyId: key_id });
      this.#living.push(minted);
      return;
    }
    const path = `${keys}/${old.userId}/${old.organizationId}`;
    if (count % 3 === 1) {
      const { new_key } = await this.#call(`POST ${path}/refresh`, {});
      this.answered.push({ eventType: 'key.refreshed', keyId: new_key.key_id });
      this.#living.push(old);
      return;
    }
    await this.#call(`DELETE ${path}`);
  }
}

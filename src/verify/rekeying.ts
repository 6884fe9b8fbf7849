import type { KeyDigest } from '../domain/key-digest.ts';

type Rekey = (keyId: string, fromPepperId: string, to: KeyDigest) => Promise<void>;

/** Beyond this number, keys wait for their next verification. */
const waitingMax = 1_000;

/**
 * Moves keys from an old pepper to the current one, one at a time, after their answer was sent:
 * verification never writes to Postgres. A failed or dropped move is found again at the key's next
 * use.
 */
export class Rekeying {
  readonly #rekey: Rekey;
  readonly #waiting = new Map<string, () => Promise<void>>();
  #isWorking = false;

  constructor(rekey: Rekey) {
    this.#rekey = rekey;
  }

  enqueue(keyId: string, fromPepperId: string, to: KeyDigest): void {
    if (this.#waiting.size >= waitingMax) return;
    this.#waiting.set(keyId, () => this.#rekey(keyId, fromPepperId, to));
    if (!this.#isWorking) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    for (const [keyId, rekey] of this.#waiting) {
      await rekey().catch(() => undefined);
      this.#waiting.delete(keyId);
    }
    this.#isWorking = false;
  }
}

import { setTimeout as sleep } from 'node:timers/promises';

type Close = () => Promise<unknown> | unknown;

/**
 * BullMQ, for one, waits without end for a Redis that is gone. After this time the process exits
 * anyway.
 */
const closeMsMax = 4_000;

/**
 * Shutdown hooks: each resource registers its close when it opens. They run last-in first-out, each
 * even when another failed or hangs.
 */
export class Closing {
  readonly #closes: Array<{ what: string; close: Close }> = [];
  readonly #onFault: (what: string, error: unknown) => void;

  constructor(onFault: (what: string, error: unknown) => void) {
    this.#onFault = onFault;
  }

  add(what: string, close: Close): void {
    this.#closes.push({ what, close });
  }

  async run(): Promise<void> {
    for (let next = this.#closes.pop(); next !== undefined; next = this.#closes.pop()) {
      try {
        await Promise.race([next.close(), tooLong()]);
      } catch (error) {
        this.#onFault(next.what, error);
      }
    }
  }
}

async function tooLong(): Promise<never> {
  await sleep(closeMsMax, undefined, { ref: false });
  throw new Error(`not closed within ${closeMsMax} ms`);
}

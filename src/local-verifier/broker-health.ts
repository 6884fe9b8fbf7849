import { FlowplateApiError } from '../sdk/errors.ts';

/** Callers of `/health/ready` cost the broker one question a second at most. */
const askEveryMs = 1_000;
const answerMsMax = 2_000;

type Parts = { baseUrl: string; fetch: typeof fetch; isLeaseHeld: () => boolean };

/** Whether the broker can give verdicts, and whether it refuses the master key of this process. */
export class BrokerHealth {
  readonly #parts: Parts;
  #isUp: Promise<boolean> = Promise.resolve(false);
  #freshUntilMs = 0;
  #isKeyRefused = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Told of each fault in the background. Only the last one counts. */
  note(error: unknown): void {
    this.#isKeyRefused = error instanceof FlowplateApiError && error.status === 401;
  }

  /** While it is, every gateway here is as unknown as it would be at the broker. */
  isKeyRefused(): boolean {
    return this.#isKeyRefused && !this.#parts.isLeaseHeld();
  }

  /** Asked at most once a second, and by all who want to know together. */
  isUp(): Promise<boolean> {
    if (performance.now() >= this.#freshUntilMs) {
      this.#freshUntilMs = Number.POSITIVE_INFINITY;
      this.#isUp = this.#ask().finally(() => {
        this.#freshUntilMs = performance.now() + askEveryMs;
      });
    }
    return this.#isUp;
  }

  async #ask(): Promise<boolean> {
    const { baseUrl, fetch: send } = this.#parts;
    try {
      const response = await send(`${baseUrl}/health/verify`, { signal: AbortSignal.timeout(answerMsMax) });
      await response.body?.cancel();
      return response.ok;
    } catch {
      return false;
    }
  }
}

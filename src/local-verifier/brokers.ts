/** Answers of a broker, or of a proxy before it, that another broker may not give. */
const awayStatuses: readonly number[] = [502, 503, 504];

/** Faults from before the request was sent: no broker can have spent anything for it. */
const unsentCodes: readonly string[] = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
];

/** It counts the call and spends limits, so that it must not be carried out twice. */
const spendingPath = '/v1/flowplate/api-keys/verify';

/**
 * Fail-over between brokers, as the `fetch` of a connection whose base URL is the first of them.
 * One broker is used until it fails: no answer, or 502, 503, 504. Then the next one is, and the
 * request is repeated there, unless it may have been carried out and would spend twice.
 */
export class Brokers {
  readonly #urls: readonly [string, ...string[]];
  #current = 0;
  #hasStreamed = false;

  constructor(urls: readonly [string, ...string[]]) {
    this.#urls = urls;
  }

  get current(): string {
    return this.#urls[this.#current] as string;
  }

  get baseUrl(): string {
    return this.#urls[0];
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const path = String(input).slice(this.baseUrl.length);
    for (let triesLeft = this.#urls.length - 1; ; triesLeft--) {
      const at = this.#current;
      const isLast = triesLeft === 0 || init?.signal?.aborted === true;
      try {
        const response = await fetch(this.#urls[at] + path, init);
        if (!awayStatuses.includes(response.status)) return response;
        this.#moveOnFrom(at);
        if (isLast || path === spendingPath) return response;
        await response.body?.cancel();
      } catch (error) {
        this.#moveOnFrom(at);
        if (isLast || init?.signal?.aborted || (path === spendingPath && !wasUnsent(error))) throw error;
      }
    }
  };

  /**
   * Where to open the next stream. The last one has ended, or its broker will stop: so it is the
   * next broker, except at the first time.
   */
  streamBaseUrl(): string {
    if (this.#hasStreamed) this.#moveOnFrom(this.#current);
    this.#hasStreamed = true;
    return this.current;
  }

  /** Only the first of those that failed together moves on. */
  #moveOnFrom(at: number): void {
    if (at === this.#current) this.#current = (at + 1) % this.#urls.length;
  }
}

function wasUnsent(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return unsentCodes.includes(code);
}

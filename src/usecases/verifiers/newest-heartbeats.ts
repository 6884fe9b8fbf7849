/** Waiting heartbeats by verifier: a newer one ends the wait of the older. */
export class NewestHeartbeats {
  readonly #waiting = new Map<string, AbortController>();

  /** Runs a wait that `signal` ends, for a verifier whose heartbeat was accepted. */
  async run<T>(verifierId: string, wait: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#waiting.get(verifierId)?.abort();
    const newest = new AbortController();
    this.#waiting.set(verifierId, newest);
    try {
      return await wait(newest.signal);
    } finally {
      if (this.#waiting.get(verifierId) === newest) this.#waiting.delete(verifierId);
    }
  }
}

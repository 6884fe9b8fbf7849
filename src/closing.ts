type Close = () => Promise<unknown> | unknown;

/** What opens registers its close at once; closing runs them last-in first-out, each even when another failed. */
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
        await next.close();
      } catch (error) {
        this.#onFault(next.what, error);
      }
    }
  }
}

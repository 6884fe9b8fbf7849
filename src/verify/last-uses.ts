/** Saves the time of last use of each id. */
type SaveUses = (uses: ReadonlyMap<string, number>) => Promise<void>;

/** A list need not be more current, and one write in ten seconds is cheap. */
const saveEveryMs = 10_000;

/**
 * Time of last use of each master key, saved every ten seconds, so that a login writes nothing. A
 * failed save is retried with the next one. A killed process loses the unsaved times.
 */
export class LastUses {
  readonly #save: SaveUses;
  readonly #onFault: (error: unknown) => void;
  #uses = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(save: SaveUses, onFault: (error: unknown) => void) {
    this.#save = save;
    this.#onFault = onFault;
  }

  start(): void {
    this.#timer = setInterval(() => void this.flush().catch(this.#onFault), saveEveryMs);
  }

  note(id: string, nowMs: number): void {
    this.#uses.set(id, nowMs);
  }

  async flush(): Promise<void> {
    const uses = this.#uses;
    if (uses.size === 0) return;
    this.#uses = new Map();
    try {
      await this.#save(uses);
    } catch (error) {
      this.#uses = new Map([...uses, ...this.#uses]);
      throw error;
    }
  }

  close(): Promise<void> {
    clearInterval(this.#timer);
    return this.flush();
  }
}

/** Writes down when each of these was last used. */
type SaveUses = (uses: ReadonlyMap<string, number>) => Promise<void>;

/**
 * What a list shows need not be newer, and one write for everything in ten seconds is nothing to
 * the database.
 */
const saveEveryMs = 10_000;

/**
 * When each master key was last let in, kept here and saved every ten seconds: letting one in
 * writes nothing. What could not be saved is tried again with the next ones; what a killed process
 * had not saved is lost.
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

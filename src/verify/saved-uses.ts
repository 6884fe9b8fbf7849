type SavedUsesParts<Use> = {
  save: (uses: ReadonlyMap<string, Use>) => Promise<void>;
  onFault: (error: unknown) => void;
  /** One use for two of the same name. */
  merge: (earlier: Use, later: Use) => Use;
  /** Names at once; further ones are left out until the next save. */
  namesMax?: number;
};

/** A list need not be more current, and one write in ten seconds is cheap. */
const saveEveryMs = 10_000;

/**
 * Uses by name, merged in memory and saved every ten seconds, so that a request writes nothing. A
 * failed save is retried with the next one. A killed process loses what is unsaved.
 */
export class SavedUses<Use> {
  readonly #parts: SavedUsesParts<Use>;
  readonly #namesMax: number;
  #uses = new Map<string, Use>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: SavedUsesParts<Use>) {
    this.#parts = parts;
    this.#namesMax = parts.namesMax ?? Number.POSITIVE_INFINITY;
  }

  start(): void {
    this.#timer = setInterval(() => void this.flush().catch(this.#parts.onFault), saveEveryMs);
  }

  add(name: string, use: Use): void {
    const known = this.#uses.get(name);
    if (known !== undefined) this.#uses.set(name, this.#parts.merge(known, use));
    else if (this.#uses.size < this.#namesMax) this.#uses.set(name, use);
  }

  async flush(): Promise<void> {
    const taken = this.#uses;
    if (taken.size === 0) return;
    this.#uses = new Map();
    try {
      await this.#parts.save(taken);
    } catch (error) {
      const meanwhile = this.#uses;
      this.#uses = taken;
      for (const [name, use] of meanwhile) this.add(name, use);
      throw error;
    }
  }

  close(): Promise<void> {
    clearInterval(this.#timer);
    return this.flush();
  }
}
